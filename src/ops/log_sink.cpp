#include "ops/log_sink.hpp"

#include <poll.h>
#include <spdlog/formatter.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <thread>
#include <utility>

namespace tps::ops {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLook{100};  // how often a thread that waits for the reader looks at its deadline
constexpr milliseconds kPause{1};

}  // namespace

LogSink::LogSink(int descriptor, BacklogLimits limits, ReportGap report)
    : descriptor_(descriptor), report_(std::move(report)), backlog_(limits) {}

void LogSink::sink_it_(const spdlog::details::log_msg& message) {
  const std::size_t bytes = message.payload.size();
  const bool written = write_line(message);
  if (const std::uint64_t gap = backlog_.end_gap(bytes); gap > 0) report(gap);
  backlog_.leave(bytes, written);
}

void LogSink::report(std::uint64_t lines) noexcept {
  try {
    report_(lines);
  } catch (...) {  // NOLINT(bugprone-empty-catch): the counter has them all
  }
}

void LogSink::set_formatter_(std::unique_ptr<spdlog::formatter> formatter) {
  const std::scoped_lock lock(writing_);
  base_sink::set_formatter_(std::move(formatter));
}

// False: the line is lost. A log that cannot be written (closed stderr, full disk) must not take the service down.
bool LogSink::write_line(const spdlog::details::log_msg& message) noexcept {
  try {
    const std::scoped_lock lock(writing_);
    if (message.logger_name == kPlain) return write_all({message.payload.data(), message.payload.size()});
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    return write_all({line.data(), line.size()});
  } catch (...) {
    return false;
  }
}

// O_NONBLOCK would do, but other processes that share the descriptor (a shell's terminal) would have it, too. A pipe
// that is ready has room for PIPE_BUF bytes. A write that blocks all the same (another process was faster) blocks only
// this thread.
bool LogSink::write_all(std::string_view text) {
  while (!text.empty()) {
    if (!wait_for_reader()) return false;
    const ssize_t written = write(descriptor_, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      std::this_thread::sleep_for(kPause);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

// True: ready, or broken in a way that write() reports.
bool LogSink::wait_for_reader() const {
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(deadline_.load() - steady_clock::now());
    const auto look = std::clamp(left, milliseconds::zero(), kLook);
    pollfd output{.fd = descriptor_, .events = POLLOUT, .revents = 0};
    const int ready = poll(&output, 1, static_cast<int>(look.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
    if (ready == 0 && left <= milliseconds::zero()) return false;
  }
}

}  // namespace tps::ops
