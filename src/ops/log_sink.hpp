// Where spdlog's lines go: a descriptor that another program may have stopped reading (a stuck log driver, `less`, a
// stopped terminal). The thread that writes waits for the reader; others learn from the backlog what may wait with it.
#pragma once

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>

#include "ops/backlog.hpp"

namespace tps::ops {

class LogSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  // The name of a logger whose texts are written as they are; lines of any other one are formatted.
  static constexpr const char* kPlain = "plain";

  using ReportGap = std::function<void(std::uint64_t lines)>;

  // `report`: called by the thread that writes, when lines have been dropped and lines are admitted again. It may log.
  LogSink(int descriptor, BacklogLimits limits, ReportGap report);

  // Every line given to this sink must have entered it; the sink makes it leave.
  Backlog& backlog() { return backlog_; }

  // From then on a line that cannot be written at once is dropped. Until this is called, a line waits permanently.
  // Takes effect within 100 ms, also for a line that waits already. Any thread may call.
  void give_up_at(std::chrono::steady_clock::time_point deadline) { deadline_ = deadline; }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}  // nothing is buffered
  void set_formatter_(std::unique_ptr<spdlog::formatter> formatter) override;

 private:
  void report(std::uint64_t lines) noexcept;
  bool write_line(const spdlog::details::log_msg& message) noexcept;
  bool write_all(std::string_view text);
  [[nodiscard]] bool wait_for_reader() const;

  const int descriptor_;
  const ReportGap report_;
  Backlog backlog_;
  std::mutex writing_;  // held while a line is formatted and written, not while a gap is reported
  std::atomic<std::chrono::steady_clock::time_point> deadline_{std::chrono::steady_clock::time_point::max()};
};

}  // namespace tps::ops
