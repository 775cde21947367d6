#include "commands/setting_options.hpp"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <utility>

namespace tps {
namespace {

constexpr int kMostPort = 65'535;

std::string shown_fallback(const Setting& setting, Command command) {
  const std::string text(fallback_for(setting, command));
  if (setting.kind == SettingKind::toggle) return text == "true" ? "on" : "off";
  if (setting.unit.empty() || text.empty()) return text;
  std::string unit(setting.unit);
  if (text == "1" && unit.ends_with('s') && unit.size() > 2) unit.pop_back();
  return text + " " + unit + ", " + std::to_string(setting.least) + " to " + std::to_string(setting.most);
}

std::string value_name(const Setting& setting) {
  if (!setting.value.empty()) return std::string(setting.value);
  switch (setting.kind) {
    case SettingKind::number:
      return "N";
    case SettingKind::file:
      return "FILE";
    case SettingKind::choice:
      return "WORD";
    case SettingKind::toggle:
      return "";
    case SettingKind::text:
      break;
  }
  return "TEXT";
}

OptionLine line_of(const Setting& setting, Command command) {
  const std::string name(setting.name);
  return {.name = "--" + name,
          .value = value_name(setting),
          .meaning = std::string(meaning_for(setting, command)),
          .fallback = shown_fallback(setting, command),
          .opposite = setting.kind == SettingKind::toggle ? "--no-" + name : "",
          .choices = choices_of(setting),
          .is_file = setting.kind == SettingKind::file,
          .advanced = setting.advanced};
}

// Operators give serve, worker, migrate and health the same flags.
bool takes_every_setting(Command command) {
  return command == Command::serve || command == Command::worker || command == Command::migrate ||
         command == Command::health;
}

void add_setting(Node& node, const Setting& setting, Values& flags) {
  const std::string name(setting.name);
  const auto give = [&flags, name](std::string text) { flags[name] = std::move(text); };
  if (setting.kind == SettingKind::toggle) {
    // Also --NAME=false; CLI11 answers how often a flag was given, below zero for false.
    node.app->add_flag_function("--" + name, [give](std::int64_t count) { give(count > 0 ? "true" : "false"); });
    node.app->add_flag_function("--no-" + name, [give](std::int64_t count) { give(count > 0 ? "false" : "true"); });
  } else {
    node.app->add_option_function<std::string>("--" + name, give);
  }
  if (setting.is_read_by(node.command)) {
    group_of(node.page, title_of(setting.group)).push_back(line_of(setting, node.command));
  }
}

void add_port(Node& node, Values& flags) {
  node.app->add_option_function<int>("-p,--port", [&flags](int port) { flags["port"] = std::to_string(port); })
      ->check(CLI::Range(0, kMostPort));
  group_of(node.page, title_of(SettingGroup::listen))
      .push_back({.name = "--port",
                  .value = "N",
                  .meaning = node.command == Command::health ? "port of the instance, in place of the one in listen"
                                                             : "port to listen on, in place of the one in listen",
                  .short_name = "-p"});
}

}  // namespace

void add_settings(Node& node, Command command, Values& flags) {
  node.command = command;
  for (const Setting& setting : settings()) {
    const bool is_read = setting.is_read_by(command);
    if (is_read || takes_every_setting(command)) add_setting(node, setting, flags);
    if (is_read && setting.name == "listen") add_port(node, flags);
  }
}

void add_help(Node& node) {
  node.app->set_help_flag("-h,--help");
  node.app->set_help_all_flag("--help-all");
  auto& options = group_of(node.page, title_of(SettingGroup::general));
  options.push_back({.name = "--help", .meaning = "show this help", .short_name = "-h"});
  options.push_back({.name = "--help-all", .meaning = "show the help with all options"});
}

}  // namespace tps
