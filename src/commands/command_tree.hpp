// All commands: how each is described, how its words are parsed, and what runs it. Options are named here once; parsing
// and help have them from the same lines.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "commands/export.hpp"
#include "commands/import.hpp"
#include "commands/new_key.hpp"
#include "commands/page.hpp"
#include "commands/verify.hpp"
#include "program/config.hpp"
#include "program/settings.hpp"

namespace CLI {
class App;
}

namespace tps {

// What the options of the command that was given say. The others have their defaults.
struct Given {
  Values flags;  // of settings
  ImportOptions imported;
  ExportOptions exported;
  VerifyOptions verified;
  NewKeyOptions new_key;
  std::string revoked;
  std::string shell;
  std::vector<std::string> topic;  // of a man page
  bool json = false;
};

using RunWithSettings = std::function<int(const Settings&, const Given&)>;
using RunWithConfig = std::function<int(const Config&, const Given&)>;
using RunAlone = std::function<int(const Given&)>;
using Runner = std::variant<std::monostate, RunWithSettings, RunWithConfig, RunAlone>;  // monostate: needs a command

struct Node {
  CLI::App* app = nullptr;
  Page page{};                        // without the commands below
  Command command = Command::config;  // whose settings it reads, if any
  Runner run{};
  std::vector<std::unique_ptr<Node>> children{};
};

class CommandTree {
 public:
  CommandTree();
  ~CommandTree();
  CommandTree(const CommandTree&) = delete;
  CommandTree& operator=(const CommandTree&) = delete;

  // Throws what CLI::App::parse() throws.
  void parse(std::vector<std::string> words);

  // The deepest command that the words named, after parse().
  [[nodiscard]] const Node& chosen() const;

  // Words that no command and no option of chosen() has taken.
  [[nodiscard]] std::vector<std::string> left_over() const;

  [[nodiscard]] const Given& given() const { return *given_; }
  [[nodiscard]] const Node& root() const { return *root_; }

  // The command of these words below `tps`; null when there is none.
  [[nodiscard]] const Node* find(const std::vector<std::string>& words) const;

 private:
  void add_documentation();

  std::unique_ptr<CLI::App> app_;
  std::unique_ptr<Given> given_;
  std::unique_ptr<Node> root_;
};

// With the pages of the commands below.
Page whole_page(const Node& node);

}  // namespace tps
