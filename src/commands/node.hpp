// A command of the tree: its description, its parser, and what runs it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "commands/backup.hpp"
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

// The values of the options of the given command; those of other commands have their defaults.
struct Given {
  Values flags;  // of settings
  ImportOptions imported;
  ExportOptions exported;
  VerifyOptions verified;
  BackupOptions copied;
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

// Adds the command `word` below `parent`, with its description of about().
Node& add_node(Node& parent, const std::string& word, Runner run = {});

// The options of a page under a title, in the order in which the titles are first asked for.
std::vector<OptionLine>& group_of(Page& page, std::string_view title);

// With the pages of the commands below.
Page whole_page(const Node& node);

}  // namespace tps
