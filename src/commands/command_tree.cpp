#include "commands/command_tree.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "commands/about.hpp"
#include "commands/backup.hpp"
#include "commands/completion.hpp"
#include "commands/config.hpp"
#include "commands/hash_password.hpp"
#include "commands/health.hpp"
#include "commands/keys.hpp"
#include "commands/man.hpp"
#include "commands/migrate.hpp"
#include "commands/serve.hpp"
#include "commands/setting_options.hpp"
#include "commands/version.hpp"
#include "commands/worker.hpp"
#include "program/exit.hpp"
#include "program/nearest.hpp"

namespace tps {
namespace {

constexpr std::int64_t kMostPatienceSeconds = 86'400;

// Limits the values of an option or argument to those in its description.
void restrict(CLI::Option& option, const OptionLine& line) {
  if (line.required) option.required();
  if (line.choices.empty()) return;
  option.check([choices = line.choices](const std::string& given) {
    return std::ranges::find(choices, given) != choices.end() ? "" : expected_one_of(choices, given);
  });
}

template <class Value>
CLI::Option* add_option(Node& node, OptionLine line, Value& into) {
  CLI::Option* option = node.app->add_option(line.name, into);
  restrict(*option, line);
  group_of(node.page, "Options").push_back(std::move(line));
  return option;
}

template <class Value>
void add_argument(Node& node, OptionLine line, Value& into) {
  restrict(*node.app->add_option(line.name, into), line);
  node.page.arguments.push_back(std::move(line));
}

void add_flag(Node& node, OptionLine line, bool& into) {
  node.app->add_flag(line.name, into);
  group_of(node.page, "Options").push_back(std::move(line));
}

void add_json(Node& node, bool& into, const char* meaning = "print the result as JSON") {
  add_flag(node, {.name = "--json", .meaning = meaning}, into);
}

void add_quiet(Node& node, bool& into) { add_flag(node, {.name = "--quiet", .meaning = "show no progress"}, into); }

void add_patience(Node& node, std::int64_t& into) {
  add_option(node,
             {.name = "--patience",
              .value = "N",
              .meaning = "how long to keep trying while the database is unreachable",
              .fallback = "60 s"},
             into)
      ->check(CLI::Range(std::int64_t{0}, kMostPatienceSeconds));
}

void add_import(Node& root, Given& given) {
  ImportOptions& options = given.imported;
  Node& node = add_node(root, "import", [](const Settings& settings, const Given& words) {
    return import_file(settings, words.imported);
  });
  add_argument(
      node, {.name = "FILE", .meaning = "file of transactions; - is standard input", .is_file = true, .required = true},
      options.file);
  add_option(node,
             {.name = "--format",
              .value = "WORD",
              .meaning = "format of the file",
              .fallback = "by its name",
              .choices = {"ndjson", "csv"}},
             options.format);
  add_option(node,
             {.name = "--name",
              .value = "TEXT",
              .meaning = "name of the import; with the line number it makes each line's key",
              .fallback = "SHA-256 of FILE"},
             options.name);
  add_option(
      node,
      {.name = "--key-column",
       .value = "NAME",
       .meaning =
           "where each line's own key is: idempotency_key, reference, metadata.NAME, or a column of the CSV file"},
      options.key_column);
  add_option(node,
             {.name = "--principal",
              .value = "NAME",
              .meaning = "the caller on whose behalf the transactions are added (their created_by)",
              .fallback = "import"},
             options.principal);
  add_option(node,
             {.name = "--rejects",
              .value = "FILE",
              .meaning = "file for rejected lines, as NDJSON",
              .fallback = "FILE.rejects.ndjson",
              .is_file = true},
             options.rejects);
  add_option(node,
             {.name = "--max-rejects",
              .value = "N",
              .meaning = "stop when more lines than this are rejected",
              .fallback = "unlimited"},
             options.max_rejects);
  add_patience(node, options.patience_s);
  add_flag(node, {.name = "--from-export", .meaning = "ignore members that only the server sets"}, options.from_export);
  add_json(node, options.json, "print the summary as JSON");
  add_quiet(node, options.quiet);
  add_settings(node, Command::import, given.flags);
}

void add_export(Node& root, Given& given) {
  ExportOptions& options = given.exported;
  Node& node = add_node(root, "export", [](const Settings& settings, const Given& words) {
    return export_all(settings, words.exported);
  });
  add_option(node,
             {.name = "--format",
              .value = "WORD",
              .meaning = "format of the output",
              .fallback = "by the name of --output, else ndjson",
              .choices = {"ndjson", "csv"}},
             options.format);
  add_option(node,
             {.name = "--output",
              .value = "FILE",
              .meaning = "file to write; replaced when the export is complete",
              .fallback = "standard output",
              .is_file = true},
             options.output);
  add_option(
      node,
      {.name = "--after", .value = "ID", .meaning = "only transactions with higher ids; repeat it for each partition"},
      options.after)
      ->check(CLI::NonNegativeNumber);
  add_patience(node, options.patience_s);
  add_json(node, options.json, "print the summary as JSON on standard output; needs --output");
  add_quiet(node, options.quiet);
  add_settings(node, Command::export_all, given.flags);
}

void add_verify(Node& root, Given& given) {
  VerifyOptions& options = given.verified;
  Node& node = add_node(root, "verify",
                        [](const Settings& settings, const Given& words) { return verify(settings, words.verified); });
  add_option(
      node,
      {.name = "--limit", .value = "N", .meaning = "maximum differences shown; all are counted", .fallback = "100"},
      options.limit);
  add_json(node, options.json);
  add_quiet(node, options.quiet);
  add_settings(node, Command::verify, given.flags);
}

void add_copying(Node& root, const char* word, Command command, const char* meaning, Given& given,
                 int (*run)(const Settings&, const BackupOptions&)) {
  BackupOptions& options = given.copied;
  Node& node =
      add_node(root, word, [run](const Settings& settings, const Given& words) { return run(settings, words.copied); });
  add_argument(node, {.name = "FILE", .meaning = meaning, .is_file = true, .required = true}, options.file);
  add_flag(node, {.name = "--force", .meaning = "replace a file that is there"}, options.force);
  add_quiet(node, options.quiet);
  add_settings(node, command, given.flags);
}

void add_keys(Node& root, Given& given) {
  Node& keys = add_node(root, "keys");
  keys.app->require_subcommand(0, 1);
  Node& create = add_node(
      keys, "create", [](const Settings& settings, const Given& words) { return create_key(settings, words.new_key); });
  NewKeyOptions& made = given.new_key;
  add_option(create,
             {.name = "--subject", .value = "NAME", .meaning = "the caller that the key stands for", .required = true},
             made.subject);
  add_option(create,
             {.name = "--scopes",
              .value = "LIST",
              .meaning = "scopes of the key, separated by spaces or commas",
              .required = true},
             made.scopes);
  add_option(create,
             {.name = "--only-user", .value = "ID", .meaning = "the only user_id whose money the key can see and move"},
             made.only_user);
  add_option(create,
             {.name = "--expires-in",
              .value = "TIME",
              .meaning = "lifetime of the key: 30m, 12h, 90d, 1y",
              .fallback = "never expires"},
             made.expires_in);
  add_json(create, made.json, "print the key and its properties as JSON");
  Node& list = add_node(keys, "list",
                        [](const Settings& settings, const Given& words) { return list_keys(settings, words.json); });
  add_json(list, given.json);
  Node& revoke = add_node(
      keys, "revoke", [](const Settings& settings, const Given& words) { return revoke_key(settings, words.revoked); });
  add_argument(revoke, {.name = "ID", .meaning = "id of the key, or the whole key", .required = true}, given.revoked);
  for (const auto& node : keys.children) add_settings(*node, Command::keys, given.flags);
}

void add_servers(Node& root, Values& flags) {
  const auto add = [&](const char* word, Command command, int (*run)(const Settings&)) {
    Node& node = add_node(root, word, [run](const Settings& settings, const Given&) { return run(settings); });
    add_settings(node, command, flags);
  };
  add("serve", Command::serve, serve);
  add("worker", Command::worker, worker);
  add("migrate", Command::migrate, migrate);
}

void add_tools(Node& root, Given& given) {
  Node& config = add_node(root, "config",
                          [](const Config& values, const Given& words) { return show_config(values, words.json); });
  add_json(config, given.json, "print the settings as JSON");
  add_settings(config, Command::config, given.flags);
  Node& checked = add_node(root, "health", [](const Settings& settings, const Given&) { return health(settings); });
  add_settings(checked, Command::health, given.flags);
  add_node(root, "hash-password", [](const Given&) { return hash_password(); });
}

int unknown_topic(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += " " + word;
  return fail("there is no command" + text + "\nTry 'tps --help'.", kExitUsage);
}

void add_help_everywhere(Node& node) {
  add_help(node);
  for (const auto& child : node.children) add_help_everywhere(*child);
}

const Node* child_of(const Node& node, std::string_view word) {
  const auto found = std::ranges::find_if(node.children, [&](const auto& child) { return child->page.word() == word; });
  return found == node.children.end() ? nullptr : found->get();
}

}  // namespace

// The commands that describe other commands. They use `this`, which outlives their run.
void CommandTree::add_documentation() {
  Node& version = add_node(*root_, "version", [](const Given& words) { return show_version(words.json); });
  add_json(version, given_->json, "print the version as JSON");
  Node& completion = add_node(*root_, "completion",
                              [this](const Given& words) { return print_completion(whole_page(*root_), words.shell); });
  const std::vector<std::string> shells{"bash", "zsh", "fish"};
  add_argument(completion, {.name = "SHELL", .meaning = "the shell", .choices = shells, .required = true},
               given_->shell);
  std::vector<std::string> names;
  for (const auto& node : root_->children) names.push_back(node->page.word());
  const OptionLine topic{.name = "COMMAND", .meaning = "the command, such as serve or keys create", .choices = names};
  Node& man = add_node(*root_, "man", [this](const Given& words) {
    const Node* node = find(words.topic);
    return node == nullptr ? unknown_topic(words.topic) : print_man_page(whole_page(*node));
  });
  man.app->add_option(topic.name, given_->topic);
  man.page.arguments.push_back(topic);
  add_node(*root_, "help").page.arguments.push_back(topic);
}

CommandTree::CommandTree()
    : app_(std::make_unique<CLI::App>("", "tps")), given_(std::make_unique<Given>()), root_(std::make_unique<Node>()) {
  app_->allow_extras()->require_subcommand(0, 1);  // a second one is an argument of the first, such as a topic
  app_->set_version_flag("--version", "tps " TPS_VERSION);
  root_->app = app_.get();
  root_->page = about("tps");
  add_servers(*root_, given_->flags);
  add_import(*root_, *given_);
  add_export(*root_, *given_);
  add_verify(*root_, *given_);
  add_copying(*root_, "backup", Command::backup, "file of the copy", *given_, backup);
  add_copying(*root_, "restore", Command::restore, "the backup", *given_, restore);
  add_keys(*root_, *given_);
  add_tools(*root_, *given_);
  add_documentation();
  add_help_everywhere(*root_);
  group_of(root_->page, title_of(SettingGroup::general))
      .push_back({.name = "--version", .meaning = "print the version"});
}

CommandTree::~CommandTree() = default;

void CommandTree::parse(std::vector<std::string> words) {
  std::ranges::reverse(words);  // CLI11 takes its words from the last to the first
  app_->parse(std::move(words));
}

const Node& CommandTree::chosen() const {
  const Node* node = root_.get();
  while (true) {
    const auto deeper = std::ranges::find_if(node->children, [](const auto& child) { return child->app->parsed(); });
    if (deeper == node->children.end()) return *node;
    node = deeper->get();
  }
}

std::vector<std::string> CommandTree::left_over() const { return app_->remaining(true); }

const Node* CommandTree::find(const std::vector<std::string>& words) const {
  const Node* node = root_.get();
  for (const std::string& word : words) {
    node = child_of(*node, word);
    if (node == nullptr) return nullptr;
  }
  return node;
}

}  // namespace tps
