#include "ops/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>

namespace tps::ops {
namespace {

struct LogState {
  std::shared_ptr<spdlog::logger> logger;
  bool json = true;
  bool colour = false;
};

LogState make_state(Level level, LogFormat format) {
  const bool terminal = isatty(STDERR_FILENO) != 0;
  LogState made;
  made.json = format == LogFormat::json || (format == LogFormat::automatic && !terminal);
  made.colour = terminal && std::getenv("NO_COLOR") == nullptr;
  made.logger = std::make_shared<spdlog::logger>("tps", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  made.logger->set_level(static_cast<spdlog::level::level_enum>(static_cast<int>(level) + 1));
  made.logger->set_pattern(made.json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ",%v})" : "%H:%M:%S.%e %v",
                           made.json ? spdlog::pattern_time_type::utc : spdlog::pattern_time_type::local);
  return made;
}

// Set once by set_up_log before other threads start; until then, warnings go out as JSON or human text.
LogState& state() {
  static LogState instance = make_state(Level::warn, LogFormat::automatic);
  return instance;
}

constexpr std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
  }
  return "error";
}

// Escapes what could end a string, a line, or reach a terminal: quotes, backslash, C0, DEL, C1, and U+2028/2029.
// Bytes that are not UTF-8 pass; they cannot end a line.
void append_escaped(std::string& out, std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = [&](std::size_t k) { return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U; };
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[i];
    } else if (byte < 0x20 || byte == 0x7F) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else if (byte == 0xC2 && next(1) >= 0x80 && next(1) < 0xA0) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", next(1));
      i += 1;
    } else if (byte == 0xE2 && next(1) == 0x80 && (next(2) == 0xA8 || next(2) == 0xA9)) {
      fmt::format_to(std::back_inserter(out), "\\u20{:02x}", next(2) - 0x80);
      i += 2;
    } else {
      out += text[i];
    }
  }
}

std::string json_line(Level level, std::string_view message, LogFields fields) {
  std::string line = R"("level":")";
  line += name_of(level);
  line += R"(","message":")";
  append_escaped(line, message);
  line += '"';
  for (const auto& [key, value] : fields) {
    if (value.empty()) continue;
    line += ",\"";
    append_escaped(line, key);
    line += "\":\"";
    append_escaped(line, value);
    line += '"';
  }
  return line;
}

std::string human_line(Level level, std::string_view message, LogFields fields, bool colour) {
  static constexpr std::array kColours{"\033[2m", "\033[32m", "\033[33m", "\033[31m"};
  std::string line;
  if (colour) line += kColours[static_cast<std::size_t>(level)];
  line += fmt::format("{:<5}", name_of(level));
  if (colour) line += "\033[0m";
  line += ' ';
  append_escaped(line, message);
  for (const auto& [key, value] : fields) {
    if (value.empty()) continue;
    line += "  ";
    append_escaped(line, key);
    line += '=';
    append_escaped(line, value);
  }
  return line;
}

}  // namespace

std::optional<Level> parse_level(std::string_view text) {
  for (const Level level : {Level::debug, Level::info, Level::warn, Level::error}) {
    if (name_of(level) == text) return level;
  }
  return std::nullopt;
}

std::optional<LogFormat> parse_log_format(std::string_view text) {
  if (text == "auto") return LogFormat::automatic;
  if (text == "json") return LogFormat::json;
  if (text == "human") return LogFormat::human;
  return std::nullopt;
}

void set_up_log(Level level, LogFormat format) { state() = make_state(level, format); }

bool log_enabled(Level level) {
  return state().logger->should_log(static_cast<spdlog::level::level_enum>(static_cast<int>(level) + 1));
}

bool log_is_human() { return !state().json; }

void log(Level level, std::string_view message, LogFields fields) {
  if (!log_enabled(level)) return;
  const LogState& current = state();
  const std::string line =
      current.json ? json_line(level, message, fields) : human_line(level, message, fields, current.colour);
  // A logger that cannot write (closed stderr, full disk) must not take the service down.
  try {
    current.logger->log(static_cast<spdlog::level::level_enum>(static_cast<int>(level) + 1), line);
  } catch (...) {  // NOLINT(bugprone-empty-catch)
  }
}

}  // namespace tps::ops
