// All commands with their options. Each option is described once: parsing, help, completion and man pages use the same
// line.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "commands/node.hpp"

namespace CLI {
class App;
}

namespace tps {

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

}  // namespace tps
