// Structured logs on stderr: one JSON object a line, or a human form on a terminal. Values are escaped, so nothing that
// a client sends can forge a line. Any thread may log.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tps::ops {

enum class Level : std::uint8_t { debug, info, warn, error };
enum class LogFormat : std::uint8_t { automatic, json, human };  // automatic: human on a terminal, json otherwise

std::optional<Level> parse_level(std::string_view text);
std::optional<LogFormat> parse_log_format(std::string_view text);

using LogFields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

void set_up_log(Level level, LogFormat format);
bool log_enabled(Level level);

// True when logs are in the human form: then a person may be spoken to between them.
bool log_is_human();

// log(Level::warn, "store unreachable", {{"store", "postgresql"}, {"detail", text}});
// A field without a value is left out.
void log(Level level, std::string_view message, LogFields fields = {});

}  // namespace tps::ops
