// Every setting once: name, unit, default, meaning. Values come from flags, then the environment, then the file, then
// the default, and each remembers where it came from.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tps {

enum class SettingKind : std::uint8_t { text, number, toggle };

struct Setting {
  std::string_view name;  // flag --NAME, environment TPS_NAME, file key NAME
  SettingKind kind;
  std::string_view fallback;
  std::string_view unit;  // "ms", "bytes"; empty for text
  std::string_view meaning;
  bool secret = false;  // not shown; of a URL, its password
  std::int64_t least = 0;
  std::int64_t most = INT64_MAX;
};

std::span<const Setting> settings();
const Setting* find_setting(std::string_view name);

// The setting that an environment variable gives: TPS_LISTEN, DATABASE_URL; not the TPS_*_FILE ones.
std::optional<std::string_view> setting_of_variable(std::string_view variable);

// The name among `known` that `word` is most likely a slip of; nullopt when none is near.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known);

// The whole file. The error is a sentence.
std::expected<std::string, std::string> read_file(const std::string& path);

using Values = std::map<std::string, std::string, std::less<>>;

class Config {
 public:
  struct Value {
    std::string text;
    std::string source;  // "default", "file tps.toml", "environment TPS_LISTEN", "flag --listen"
  };

  // `flags`: setting names to texts. `environment`: the whole of it ("NAME=value"). Reads the file named by the setting
  // `config`, and the files named by TPS_*_FILE. The error says what is wrong, where, and what was probably meant.
  static std::expected<Config, std::string> load(const Values& flags, std::span<const std::string> environment);

  // An unknown name, or the wrong kind, is a bug.
  [[nodiscard]] const std::string& text(std::string_view name) const;
  [[nodiscard]] std::int64_t number(std::string_view name) const;
  [[nodiscard]] bool toggle(std::string_view name) const;
  [[nodiscard]] const Value& value(std::string_view name) const;

  // The text with passwords replaced by ***.
  [[nodiscard]] std::string shown(const Setting& setting) const;

 private:
  std::map<std::string, Value, std::less<>> values_;
};

// "postgresql://user:secret@host/db" -> "postgresql://user:***@host/db"; "password=secret" too.
std::string without_password(std::string_view url);

}  // namespace tps
