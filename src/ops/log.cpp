#include "ops/log.hpp"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <utility>

#include "ops/log_line.hpp"
#include "ops/log_sink.hpp"

namespace tps::ops {
namespace {

using Worker = spdlog::details::thread_pool;

constexpr std::chrono::milliseconds kGiveUp{200};  // until the log thread has noticed its deadline

spdlog::level::level_enum level_of(Level level) {
  return static_cast<spdlog::level::level_enum>(static_cast<int>(level) + 1);
}

void report_gap(std::uint64_t lines);

// Changed only while no other thread logs. It is never destroyed: a log thread that is stuck in the system outlives
// main.
struct LogState {
  std::shared_ptr<LogSink> sink = std::make_shared<LogSink>(STDERR_FILENO, BacklogLimits{}, report_gap);
  std::shared_ptr<Worker> worker;  // null: the thread that logs writes
  std::shared_ptr<spdlog::logger> lines;
  std::shared_ptr<spdlog::logger> plain;
  Level level = Level::warn;
  bool json = true;
  bool colour = false;
};

// Set by spdlog in the thread that logs, when it could not take a line.
thread_local bool refused = false;

std::shared_ptr<spdlog::logger> make_logger(const char* name, const LogState& in) {
  // The backlog lets in fewer lines than the worker's queue holds. Should it ever be full, no caller waits.
  constexpr auto kOverflow = spdlog::async_overflow_policy::overrun_oldest;
  auto logger = in.worker ? std::make_shared<spdlog::async_logger>(name, in.sink, in.worker, kOverflow)
                          : std::make_shared<spdlog::logger>(name, in.sink);
  logger->set_level(spdlog::level::trace);
  logger->set_error_handler([](const std::string&) { refused = true; });  // spdlog's own writes to stderr
  return logger;
}

void make_loggers(LogState& in) {
  in.lines = make_logger("tps", in);
  in.plain = make_logger(LogSink::kPlain, in);
}

void set_format(LogState& in, LogFormat format) {
  const bool terminal = isatty(STDERR_FILENO) != 0;
  in.json = format == LogFormat::json || (format == LogFormat::automatic && !terminal);
  in.colour = terminal && std::getenv("NO_COLOR") == nullptr;
  in.sink->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      in.json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ",%v})" : "%H:%M:%S.%e %v",
      in.json ? spdlog::pattern_time_type::utc : spdlog::pattern_time_type::local));
}

// Until set_up_log, warnings go out as JSON or human text.
LogState& state() {
  static LogState& instance = []() -> LogState& {
    auto& made = *new LogState;
    set_format(made, LogFormat::automatic);
    make_loggers(made);
    return made;
  }();
  return instance;
}

void hand_over(spdlog::logger& logger, Level level, std::string_view text, bool urgent) {
  Backlog& backlog = state().sink->backlog();
  if (!backlog.enter(text.size(), urgent)) return;
  refused = false;
  logger.log(level_of(level), text);
  if (refused) backlog.leave(text.size(), false);
}

void write_line(Level level, std::string_view message, LogFields fields) {
  const LogState& current = state();
  const std::string line =
      current.json ? json_line(level, message, fields) : human_line(level, message, fields, current.colour);
  hand_over(*current.lines, level, line, level >= Level::warn);
}

// At every level: errors may be among them.
void report_gap(std::uint64_t lines) {
  write_line(Level::warn, "log lines were dropped: the reader of stderr is too slow",
             {{"lines", std::to_string(lines)}});
}

// Signals belong to the thread that waits for them: the new one starts with all of them blocked.
std::shared_ptr<Worker> start_worker() {
  constexpr std::size_t kSpare = 64;  // for the worker's own messages
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  auto worker = std::make_shared<Worker>(BacklogLimits{}.lines + kSpare, 1);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return worker;
}

std::terminate_handler inherited_terminate = nullptr;

// The process must not lose waiting lines at its end, and must not wait for a reader that does not read.
[[noreturn]] void terminate_after_flush() {
  if (flush_log() && inherited_terminate != nullptr) inherited_terminate();
  std::abort();
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

void set_up_log(Level level, LogFormat format) {
  set_format(state(), format);
  state().level = level;
}

bool log_enabled(Level level) { return level >= state().level; }

bool log_is_human() { return !state().json; }

void log(Level level, std::string_view message, LogFields fields) {
  if (log_enabled(level)) write_line(level, message, fields);
}

void say(std::string_view text) { hand_over(*state().plain, Level::error, text, true); }

bool flush_log(std::chrono::milliseconds patience) { return state().sink->backlog().wait_until_empty(patience); }

std::uint64_t log_lines_dropped() { return state().sink->backlog().dropped(); }

LogThread::LogThread() : previous_(std::get_terminate()) {
  LogState& current = state();
  current.sink->give_up_at(std::chrono::steady_clock::time_point::max());
  if (!current.worker) current.worker = start_worker();
  make_loggers(current);
  inherited_terminate = previous_;
  std::set_terminate(terminate_after_flush);
}

LogThread::~LogThread() {
  LogState& current = state();
  std::set_terminate(previous_);
  current.sink->give_up_at(std::chrono::steady_clock::now() + kLogPatience);
  // A thread that is stuck in write() cannot be joined. The end of the process ends it.
  if (!flush_log(kLogPatience + kGiveUp)) return;
  current.worker = nullptr;
  make_loggers(current);
}

}  // namespace tps::ops
