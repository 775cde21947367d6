#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "commands/commands.hpp"
#include "commands/export.hpp"
#include "commands/import.hpp"
#include "commands/keys.hpp"
#include "commands/verify.hpp"
#include "program/config.hpp"
#include "program/exit.hpp"
#include "program/signals.hpp"
#include "program/startup.hpp"

namespace {

using tps::Config;
using tps::Setting;
using tps::SettingKind;

constexpr const char* kAbout = R"(A transaction processing system: durable money transactions over REST.

Examples:
  tps serve                                          everything in one process, data in ./tps.db
  tps serve --listen 127.0.0.1:9000 --database-url sqlite:/var/lib/tps/tps.db
  tps serve --migrate --database-url postgresql://tps@db/tps --redis-url redis://cache
  tps worker --database-url postgresql://tps@db/tps  settles what other instances accept (tps serve --no-worker)
  tps migrate --database-url postgresql://tps@db/tps
  tps import day.ndjson                              transactions of a file into the log, once
  tps export --output all.ndjson                     all transactions into a file
  tps verify --database-url postgresql://tps@db/tps  audits a database, in use or not
  tps keys create --subject payments --scopes transactions:write
  tps hash-password                                  a line for users-file needs it
  tps config                                         every setting and where its value comes from
  tps health --listen 127.0.0.1:8000                 exit code 0 when ready

Settings come from flags, then TPS_* in the environment, then the file given by --config, then defaults.
Exit codes: 0 success, 1 failure, 2 wrong usage or configuration.
)";

constexpr const char* kAboutImport = R"(Imports the transactions of a file, each line once, however often it is run.

Examples:
  tps import day.ndjson                              into ./tps.db; bad lines go to day.ndjson.rejects.ndjson
  tps import day.csv --database-url postgresql://tps@db/tps
  tps import payments.csv --key-column reference     each line's key is its reference
  gzip -dc day.ndjson.gz | tps import - --format ndjson --name day-1
  tps import all.ndjson --from-export                a file that tps export wrote

NDJSON lines are bodies of POST /transactions. CSV has a header line that names members (user_id, amount, currency,
type, to_user_id, capture, hold_expires_in, reference, description, metadata.NAME); empty fields are absent members.
A worker settles what was imported. More: docs/import.md

Exit codes: 0 all lines are in, 1 failure (run it again), 2 wrong usage, 3 all are in but those rejected.
)";

constexpr const char* kAboutExport =
    R"(Writes all transactions, the oldest first, up to where the log is when it begins.

Examples:
  tps export > all.ndjson
  tps export --format csv --output all.csv --database-url postgresql://tps@db/tps
  tps export --after 120000 --output since.ndjson    only those with higher ids

The database may be in use, a SQLite file too. Lines are the bodies of the API. More: docs/import.md
)";

constexpr const char* kAboutVerify = R"(Audits a database: replays its logs and compares all that is recorded with that.

Examples:
  tps verify                                         of ./tps.db
  tps verify --database-url postgresql://tps@db/tps --json > audit.json

The database may be in use, a SQLite file too: it is only read, never for longer than 5 seconds at a time. Needs memory
for all accounts, holds and keys. More: docs/operations.md

Exit codes: 0 no differences, 1 differences or could not finish, 2 wrong usage.
)";

// What of the settings has to do with a command that only needs the database.
constexpr std::array<std::string_view, 7> kDatabaseSettings{
    "database-url", "partitions", "prepared-statements", "assets", "config", "log-level", "log-format"};

// A command whose help begins with examples; in the list of commands, only its first line is shown.
CLI::App* add_command(CLI::App& app, const std::string& name, std::string_view about) {
  CLI::App* command = app.add_subcommand(name, std::string(about.substr(0, about.find('\n'))));
  command->preparse_callback([command, about](std::size_t) { command->description(std::string(about)); });
  return command;
}

CLI::App* add_import(CLI::App& app, tps::ImportOptions& options) {
  CLI::App* command = add_command(app, "import", kAboutImport);
  command->add_option("FILE", options.file, "file of transactions; - is standard input")->required();
  command->add_option("--format", options.format, "ndjson or csv [by the file's name]");
  command->add_option("--name", options.name,
                      "name of the import; with the line number, each line's key [SHA-256 of FILE]");
  command->add_option("--key-column", options.key_column,
                      "each line's own key: idempotency_key, reference, metadata.NAME, or a column of CSV");
  command->add_option("--principal", options.principal,
                      "created_by of the transactions, and whose keys they are [import]");
  command->add_option("--rejects", options.rejects, "where bad lines go, as NDJSON [FILE.rejects.ndjson]");
  command->add_option("--max-rejects", options.max_rejects, "stop when more lines are bad [no limit]");
  command->add_option("--patience", options.patience_s, "how long to wait for a store that is away (s) [60]")
      ->check(CLI::Range(0, 86'400));
  command->add_flag("--from-export", options.from_export, "pass over members that only the server sets");
  command->add_flag("--json", options.json, "the summary as JSON");
  command->add_flag("--quiet", options.quiet, "show no progress");
  return command;
}

CLI::App* add_export(CLI::App& app, tps::ExportOptions& options) {
  CLI::App* command = add_command(app, "export", kAboutExport);
  command->add_option("--format", options.format, "ndjson or csv [by the name of --output, else ndjson]");
  command->add_option("--output", options.output, "file to write; replaced when all is there [standard output]");
  command->add_option("--after", options.after, "only ids above this; once for each partition")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--patience", options.patience_s, "how long to wait for a store that is away (s) [60]")
      ->check(CLI::Range(0, 86'400));
  command->add_flag("--json", options.json, "the summary as JSON, on standard output; needs --output");
  command->add_flag("--quiet", options.quiet, "show no progress");
  return command;
}

CLI::App* add_verify(CLI::App& app, tps::VerifyOptions& options) {
  CLI::App* command = add_command(app, "verify", kAboutVerify);
  command->add_option("--limit", options.limit, "differences that are shown; all are counted [100]");
  command->add_flag("--json", options.json, "the result as JSON");
  command->add_flag("--quiet", options.quiet, "show no progress");
  return command;
}

struct KeysOptions {
  tps::NewKeyOptions made;
  std::string revoked;
  bool list_json = false;
};

// With the commands create, list and revoke of its own.
CLI::App* add_keys(CLI::App& app, KeysOptions& options) {
  CLI::App* keys = add_command(app, "keys", tps::kAboutKeys);
  CLI::App* create = add_command(*keys, "create", tps::kAboutKeysCreate);
  create->add_option("--subject", options.made.subject, "the principal that it stands for")->required();
  create->add_option("--scopes", options.made.scopes, "what it may do, separated by spaces or commas")->required();
  create->add_option("--only-user", options.made.only_user, "the one user_id whose money it may see and move");
  create->add_option("--expires-in", options.made.expires_in, "30m, 12h, 90d, 1y [never]");
  create->add_flag("--json", options.made.json, "the key and what it is, as JSON");
  CLI::App* list = keys->add_subcommand("list", "show all keys, also those expired and revoked");
  list->add_flag("--json", options.list_json, "as JSON");
  CLI::App* revoke = add_command(*keys, "revoke", tps::kAboutKeysRevoke);
  revoke->add_option("ID", options.revoked, "of the key")->required();
  return keys;
}

// Adds --NAME for every setting, or for those named; what is given ends up in `flags`.
void add_settings(CLI::App& command, tps::Values& flags, std::span<const std::string_view> names = {}) {
  for (const Setting& setting : tps::settings()) {
    if (!names.empty() && std::ranges::find(names, setting.name) == names.end()) continue;
    const std::string name(setting.name);
    std::string meaning(setting.meaning);
    if (!setting.unit.empty()) meaning += " (" + std::string(setting.unit) + ")";
    if (!setting.fallback.empty()) meaning += " [" + std::string(setting.fallback) + "]";
    if (setting.kind == SettingKind::toggle) {
      command.add_flag_callback(
          "--" + name, [&flags, &setting] { flags[std::string(setting.name)] = "true"; }, meaning);
      command.add_flag_callback(
          "--no-" + name, [&flags, &setting] { flags[std::string(setting.name)] = "false"; }, "switch it off");
    } else {
      command.add_option_function<std::string>(
          "--" + name, [&flags, &setting](const std::string& text) { flags[std::string(setting.name)] = text; },
          meaning);
    }
  }
}

std::vector<std::string> environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
  return entries;
}

void blacken(char* text) { std::fill_n(text, std::strlen(text), '*'); }

// Everybody on this machine may read a process's command line, and its user the environment. What was secret in them
// has been read by now.
void hide_secrets(int argc, char** argv) {
  const auto is_secret = [](std::string_view name) {
    const Setting* setting = tps::find_setting(name);
    return setting != nullptr && setting->secret;
  };
  for (int i = 1; i < argc; ++i) {
    const std::string_view word(argv[i]);
    if (!word.starts_with("--")) continue;
    const std::string_view name = word.substr(2, word.find('=') - 2);
    if (!is_secret(name)) continue;
    if (word.size() > name.size() + 2) {
      blacken(argv[i] + name.size() + 3);
    } else if (i + 1 < argc) {
      blacken(argv[++i]);
    }
  }
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable = std::string_view(*entry).substr(0, std::string_view(*entry).find('='));
    const auto name = tps::setting_of_variable(variable);
    if (name && is_secret(*name)) blacken(*entry + variable.size() + 1);
  }
}

int usage_error(const std::string& text) {
  std::cerr << "tps: " << text << "\nTry 'tps --help'.\n";
  return tps::kExitUsage;
}

// What is left over after parsing is a slip: say which word was probably meant.
int unknown_word(const CLI::App& app, const std::string& word) {
  std::vector<std::string> known;
  const CLI::App* given = &app;
  for (bool deeper = true; deeper;) {
    for (const CLI::App* command : given->get_subcommands({})) known.push_back(command->get_name());
    for (const CLI::Option* option : given->get_options()) known.push_back(option->get_name());
    deeper = !given->get_subcommands().empty();
    if (deeper) given = given->get_subcommands().front();
  }
  for (const Setting& setting : tps::settings()) {
    known.push_back("--" + std::string(setting.name));
    if (setting.kind == SettingKind::toggle) known.push_back("--no-" + std::string(setting.name));
  }
  // What follows may be a secret.
  const std::string name = word.substr(0, std::min(word.find('='), word.find("://")));
  const auto near = tps::nearest(name, known);
  return usage_error("unknown " + std::string(word.starts_with('-') ? "option " : "command ") + name +
                     (near ? "; did you mean " + *near + "?" : ""));
}

// The commands, and what their options give.
class Commands {
 public:
  explicit Commands(CLI::App& app)
      : serve_(app.add_subcommand("serve", "serve transactions over HTTP")),
        worker_(app.add_subcommand("worker", "settle transactions, on 127.0.0.1:8001 unless told otherwise")),
        migrate_(app.add_subcommand("migrate", "bring the schema of a database up to date")),
        import_(add_import(app, import_options_)),
        export_(add_export(app, export_options_)),
        verify_(add_verify(app, verify_options_)),
        keys_(add_keys(app, keys_options_)),
        config_(app.add_subcommand("config", "show every setting and where its value comes from")),
        health_(app.add_subcommand("health", "ask a running instance whether it is ready")),
        hash_password_(app.add_subcommand("hash-password", "read a password, print its hash for the users-file")) {
    app.add_subcommand("help", "show this, or the help of a command");
    config_->add_flag("--json", config_json_, "as JSON");
    for (CLI::App* command : {serve_, worker_, migrate_, config_, health_}) add_settings(*command, flags_);
    for (CLI::App* command : {import_, export_, verify_}) add_settings(*command, flags_, kDatabaseSettings);
    for (CLI::App* command : keys_->get_subcommands({})) {
      add_settings(*command, flags_, kDatabaseSettings);
      command->allow_extras();
    }
    for (CLI::App* command : app.get_subcommands({})) command->allow_extras();
  }

  [[nodiscard]] const tps::Values& flags() const { return flags_; }

  // False: nothing was given, or `keys` alone.
  [[nodiscard]] bool whole(const CLI::App& app) const {
    return !app.get_subcommands().empty() && (!*keys_ || !keys_->get_subcommands().empty());
  }

  // The one that was given.
  [[nodiscard]] int run(const Config& config) const {
    if (*serve_) return tps::serve(config);
    if (*worker_) return tps::worker(config);
    if (*migrate_) return tps::migrate(config);
    if (*import_) return tps::import_file(config, import_options_);
    if (*export_) return tps::export_all(config, export_options_);
    if (*verify_) return tps::verify(config, verify_options_);
    if (keys_->got_subcommand("create")) return tps::create_key(config, keys_options_.made);
    if (keys_->got_subcommand("list")) return tps::list_keys(config, keys_options_.list_json);
    if (keys_->got_subcommand("revoke")) return tps::revoke_key(config, keys_options_.revoked);
    if (*config_) return tps::show_config(config, config_json_);
    if (*hash_password_) return tps::hash_password();
    return tps::health(config);
  }

 private:
  tps::Values flags_;
  tps::ImportOptions import_options_;
  tps::ExportOptions export_options_;
  tps::VerifyOptions verify_options_;
  KeysOptions keys_options_;
  bool config_json_ = false;
  CLI::App* const serve_;
  CLI::App* const worker_;
  CLI::App* const migrate_;
  CLI::App* const import_;
  CLI::App* const export_;
  CLI::App* const verify_;
  CLI::App* const keys_;
  CLI::App* const config_;
  CLI::App* const health_;
  CLI::App* const hash_password_;
};

int run(int argc, char** argv) {
  CLI::App app{kAbout, "tps"};
  app.set_version_flag("--version", "tps " TPS_VERSION);
  Commands commands(app);  // NOLINT(misc-const-correctness): parsing writes into it
  app.allow_extras();
  // CLI11 takes its words from the last to the first.
  std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words.front() == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  std::ranges::reverse(words);
  try {
    app.parse(std::move(words));
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    return usage_error(error.what());
  }
  if (const auto extra = app.remaining(true); !extra.empty()) return unknown_word(app, extra.front());
  if (!commands.whole(app)) {
    std::cerr << app.help();
    return tps::kExitUsage;
  }
  const auto config = Config::load(commands.flags(), environment());
  hide_secrets(argc, argv);
  if (!config) return usage_error(config.error());
  return commands.run(*config);
}

}  // namespace

int main(int argc, char** argv) {
  tps::end_on_signals();
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    return tps::fail(error.what());
  }
}
