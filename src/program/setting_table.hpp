// Every setting once: its name, group, unit, default and meaning, and the commands that read it. Help, completion, man
// pages and `tps config` are made from this table.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tps {

enum class SettingKind : std::uint8_t { text, file, number, toggle, choice };

// The heading under which help shows a setting.
enum class SettingGroup : std::uint8_t { listen, database, cache, access, limits, logging, general };
std::string_view title_of(SettingGroup group);

// The commands that read settings.
enum class Command : std::uint8_t {
  serve,
  worker,
  migrate,
  import,
  export_all,
  verify,
  backup,
  restore,
  keys,
  health,
  config
};
std::string_view name_of(Command command);

// Sets of commands, as bits.
using CommandSet = std::uint16_t;
constexpr CommandSet set_of(Command command) { return static_cast<CommandSet>(1U << static_cast<unsigned>(command)); }

struct Setting {
  std::string_view name;  // flag --NAME, environment TPS_NAME, file key NAME
  SettingKind kind;
  SettingGroup group;
  std::string_view meaning;
  CommandSet readers;
  std::string_view fallback{};
  std::string_view unit{};      // of a number: "ms", "bytes"
  std::string_view value{};     // of a text, in the help: "URL"
  std::string_view of_probe{};  // the meaning for tps health, which does not listen but asks; empty: the same
  std::string_view choices{};   // of a choice, separated by spaces
  bool advanced = false;        // shown by --help-all only
  bool secret = false;          // never printed; of a URL: its password
  std::int64_t least = 0;
  std::int64_t most = INT64_MAX;

  [[nodiscard]] bool is_read_by(Command command) const { return (readers & set_of(command)) != 0; }
};

std::span<const Setting> settings();
const Setting* find_setting(std::string_view name);

// The words of a choice; empty for another kind.
std::vector<std::string> choices_of(const Setting& setting);

// The meaning of a setting for a command: tps health asks the instance that listens there.
std::string_view meaning_for(const Setting& setting, Command command);

// The default of a setting for a command: a worker listens beside a server on the same machine.
std::string_view fallback_for(const Setting& setting, Command command);

// The environment variable that gives a setting: TPS_NAME.
std::string environment_name(std::string_view setting);

// The setting that an environment variable gives: TPS_LISTEN, DATABASE_URL; not the TPS_*_FILE ones.
std::optional<std::string_view> setting_of_variable(std::string_view variable);

}  // namespace tps
