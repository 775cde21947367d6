#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "app.hpp"
#include "config.hpp"

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
  tps config                                         every setting and where its value comes from
  tps health --listen 127.0.0.1:8000                 exit code 0 when ready

Settings come from flags, then TPS_* in the environment, then the file given by --config, then defaults.
Exit codes: 0 success, 1 failure, 2 wrong usage or configuration.
)";

// Adds --NAME for every setting; what is given ends up in `flags`.
void add_settings(CLI::App& command, tps::Values& flags) {
  for (const Setting& setting : tps::settings()) {
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

int usage_error(const std::string& text) {
  std::cerr << "tps: " << text << "\nTry 'tps --help'.\n";
  return tps::kExitUsage;
}

// What is left over after parsing is a slip: say which word was probably meant.
int unknown_word(const CLI::App& app, const std::string& word) {
  std::vector<std::string> known;
  for (const CLI::App* command : app.get_subcommands({})) known.push_back(command->get_name());
  for (const Setting& setting : tps::settings()) {
    known.push_back("--" + std::string(setting.name));
    if (setting.kind == SettingKind::toggle) known.push_back("--no-" + std::string(setting.name));
  }
  const auto near = tps::nearest(word.substr(0, word.find('=')), known);
  return usage_error("unknown " + std::string(word.starts_with('-') ? "option " : "command ") + word +
                     (near ? "; did you mean " + *near + "?" : ""));
}

int run(int argc, char** argv) {
  CLI::App app{kAbout, "tps"};
  app.set_version_flag("--version", "tps " TPS_VERSION);
  tps::Values flags;
  bool json = false;
  app.add_subcommand("help", "show this");
  CLI::App* serve = app.add_subcommand("serve", "serve transactions over HTTP");
  CLI::App* worker = app.add_subcommand("worker", "settle transactions, on 127.0.0.1:8001 unless told otherwise");
  CLI::App* migrate = app.add_subcommand("migrate", "bring the schema of a database up to date");
  CLI::App* config = app.add_subcommand("config", "show every setting and where its value comes from");
  CLI::App* health = app.add_subcommand("health", "ask a running instance whether it is ready");
  config->add_flag("--json", json, "as JSON");
  for (CLI::App* command : {serve, worker, migrate, config, health}) {
    add_settings(*command, flags);
    command->allow_extras();
  }
  app.allow_extras();
  // CLI11 takes its words from the last to the first.
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words == std::vector<std::string>{"help"}) words = {"--help"};
  std::ranges::reverse(words);
  try {
    app.parse(std::move(words));
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    return usage_error(error.what());
  }
  if (const auto extra = app.remaining(true); !extra.empty()) return unknown_word(app, extra.front());
  if (app.get_subcommands().empty()) {
    std::cerr << app.help();
    return tps::kExitUsage;
  }
  const auto loaded = Config::load(flags, environment());
  if (!loaded) return usage_error(loaded.error());
  if (*serve) return tps::serve(*loaded);
  if (*worker) return tps::worker(*loaded);
  if (*migrate) return tps::migrate(*loaded);
  if (*config) return tps::show_config(*loaded, json);
  return tps::health(*loaded);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "tps: " << error.what() << '\n';
    return tps::kExitFailed;
  }
}
