// Structured logs on stderr: one JSON object a line, or a human form on a terminal. Values are escaped, so nothing that
// a client sends can forge a line. Any thread may log.
//
// Without a LogThread, a call waits until its line is written: right for a command at a terminal. With one, no call
// waits for the reader of stderr. Lines that find no room are dropped and counted.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
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

// Call before the first line and before other threads start.
void set_up_log(Level level, LogFormat format);
bool log_enabled(Level level);

// True when logs are in the human form. Then say() may write between them.
bool log_is_human();

// log(Level::warn, "store unreachable", {{"store", "postgresql"}, {"detail", text}});
// A field without a value is left out.
void log(Level level, std::string_view message, LogFields fields = {});

// Writes a text to stderr as it is, in order with the log lines and at every level: for words to a person.
void say(std::string_view text);

// How long the end of the process waits for the reader of stderr.
inline constexpr std::chrono::milliseconds kLogPatience{1'000};

// Waits until all lines so far are written. Call it before ending the process without destructors. False: the reader
// took longer than `patience`.
bool flush_log(std::chrono::milliseconds patience = kLogPatience);

// Lines that did not reach stderr, since the start of the process.
std::uint64_t log_lines_dropped();

// While it lives, a thread of its own writes the lines. Make one at the start of a command that serves, before any
// other object whose threads may log; at most one at a time. The thread takes no signals.
class LogThread {
 public:
  LogThread();
  // Waits kLogPatience for the reader. Lines that are not written by then are dropped.
  ~LogThread();
  LogThread(const LogThread&) = delete;
  LogThread& operator=(const LogThread&) = delete;

 private:
  const std::terminate_handler previous_;
};

}  // namespace tps::ops
