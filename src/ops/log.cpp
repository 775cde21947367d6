#include "ops/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>

#include "ops/log_line.hpp"

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
