#include "commands/command_line.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "commands/command_tree.hpp"
#include "commands/help_text.hpp"
#include "commands/hide_secrets.hpp"
#include "ops/log.hpp"
#include "program/exit.hpp"
#include "program/nearest.hpp"

namespace tps {
namespace {

using Tree = std::shared_ptr<CommandTree>;  // kept alive by the command's function
using Runnable = std::expected<std::function<int()>, int>;

std::vector<std::string> environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
  return entries;
}

// A server that cannot start must end, even if no reader empties stderr: the log thread waits only so long.
int usage_error(const std::string& text, const std::string& command = "tps") {
  const ops::LogThread bounded;
  return fail(text + "\nTry '" + command + " --help'.", kExitUsage);
}

std::vector<std::string> option_names(const Page& page) {
  std::vector<std::string> names;
  for (const OptionGroup& group : page.groups) {
    for (const OptionLine& option : group.options) {
      names.push_back(option.name);
      if (!option.opposite.empty()) names.push_back(option.opposite);
    }
  }
  return names;
}

// "serve and worker have it", for a setting that only other commands read.
std::string other_commands_with(const Node& root, const std::string& option) {
  std::string names;
  for (const auto& node : root.children) {
    const auto options = option_names(node->page);
    if (std::ranges::find(options, option) != options.end()) names += (names.empty() ? "" : ", ") + node->page.word();
  }
  return names.empty() ? "" : "; it is an option of " + names;
}

// A word that is left over is a mistake. The text behind = or :// may be a secret and is not repeated.
int unknown_word(const CommandTree& tree, const std::string& word) {
  const Node& node = tree.chosen();
  const std::string name = word.substr(0, std::min(word.find('='), word.find("://")));
  if (word.starts_with('-')) {
    std::string hint = other_commands_with(tree.root(), name);
    if (hint.empty()) hint = did_you_mean(name, option_names(node.page));
    return usage_error("unknown option " + name + hint, node.page.name);
  }
  std::vector<std::string> commands;
  commands.reserve(node.children.size());
  for (const auto& child : node.children) commands.push_back(child->page.word());
  return usage_error("unknown command " + name + did_you_mean(name, commands), node.page.name);
}

int show_help(const CommandTree& tree, bool all) {
  if (const auto extra = tree.left_over(); !extra.empty()) return unknown_word(tree, extra.front());
  std::cout << help_text(whole_page(tree.chosen()), terminal_width(), all);
  return kExitOk;
}

// `tps help serve` is `tps serve --help`.
std::vector<std::string> words_of(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words.front() == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  return words;
}

// The command with what it needs. The error is the exit code.
Runnable prepared(const Tree& tree, int argc, char** argv) {
  const Node& node = tree->chosen();
  if (const auto* run = std::get_if<RunAlone>(&node.run)) return [tree, run] { return (*run)(tree->given()); };
  auto config = Config::load(tree->given().flags, environment(), node.command);
  hide_secrets(argc, argv);
  if (!config) return std::unexpected(usage_error(config.error(), node.page.name));
  if (const auto* run = std::get_if<RunWithConfig>(&node.run)) {
    return [tree, run, config = std::move(*config)] { return (*run)(config, tree->given()); };
  }
  auto settings = read_settings(*config, node.command);
  if (!settings) return std::unexpected(usage_error(settings.error(), node.page.name));
  ops::set_up_log(settings->log_level, settings->log_format);
  return [tree, run = &std::get<RunWithSettings>(node.run), settings = std::move(*settings)] {
    return (*run)(settings, tree->given());
  };
}

}  // namespace

Runnable parse_command_line(int argc, char** argv) {
  const auto tree = std::make_shared<CommandTree>();
  try {
    tree->parse(words_of(argc, argv));
  } catch (const CLI::CallForHelp&) {
    return std::unexpected(show_help(*tree, false));
  } catch (const CLI::CallForAllHelp&) {
    return std::unexpected(show_help(*tree, true));
  } catch (const CLI::CallForVersion& version) {
    std::cout << version.what() << '\n';
    return std::unexpected(kExitOk);
  } catch (const CLI::ParseError& error) {
    return std::unexpected(usage_error(error.what(), tree->chosen().page.name));
  } catch (const std::invalid_argument&) {  // CLI11 does not translate that of --worker=maybe
    return std::unexpected(usage_error("a flag takes no value but true or false", tree->chosen().page.name));
  }
  if (const auto extra = tree->left_over(); !extra.empty()) return std::unexpected(unknown_word(*tree, extra.front()));
  if (std::holds_alternative<std::monostate>(tree->chosen().run)) {
    std::cerr << help_text(whole_page(tree->chosen()), terminal_width(), false);
    return std::unexpected(kExitUsage);
  }
  return prepared(tree, argc, argv);
}

}  // namespace tps
