// The texts of all settings and where each came from. Flags go before the environment, the environment before the file,
// the file before the defaults. settings.hpp makes values of the texts; `tps config` prints them.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "program/setting_table.hpp"

namespace tps {

// The whole file. The error is a sentence.
std::expected<std::string, std::string> read_file(const std::string& path);

using Values = std::map<std::string, std::string, std::less<>>;

class Config {
 public:
  struct Value {
    std::string text;
    std::string source;  // "default", "file tps.toml", "environment TPS_LISTEN", "flag --listen"

    [[nodiscard]] bool is_default() const { return source == "default"; }
  };

  // `flags`: setting names to texts, and "port", which replaces the port of `listen`. `environment`: the whole of it
  // ("NAME=value"). Reads the file named by the setting `config`, and the files named by TPS_*_FILE. Numbers, toggles
  // and choices are checked. The error says which value is wrong, where it came from, and what was probably meant.
  // Defaults are those of `command`.
  static std::expected<Config, std::string> load(const Values& flags, std::span<const std::string> environment,
                                                 Command command = Command::config);

  // An unknown name is a bug and throws std::logic_error.
  [[nodiscard]] const Value& value(std::string_view name) const;
  [[nodiscard]] const std::string& text(std::string_view name) const { return value(name).text; }

  // The text with passwords replaced by ***.
  [[nodiscard]] std::string shown(const Setting& setting) const;

 private:
  void set_port(const std::string& port);

  std::map<std::string, Value, std::less<>> values_;
};

// The text of a number or of a toggle; nullopt for anything else.
std::optional<std::int64_t> parse_number(std::string_view text);
std::optional<bool> parse_toggle(std::string_view text);

// "postgresql://user:secret@host/db" -> "postgresql://user:***@host/db"; "password=secret" too.
std::string without_password(std::string_view url);

}  // namespace tps
