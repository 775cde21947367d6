// Counts the log lines that wait to be written, and decides whether one more may wait. A line that may not is dropped
// and counted. Any thread may call.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace tps::ops {

struct BacklogLimits {
  std::size_t lines = 4'096;
  std::size_t bytes = std::size_t{4} * 1024 * 1024;  // of all waiting lines together
};

class Backlog {
 public:
  explicit Backlog(BacklogLimits limits) : limits_(limits) {}

  // True: the line may wait; call leave() once it is written. False: the line was counted as dropped. The last quarter
  // of the room is for urgent lines. After a dropped line, others are admitted once half of the room is free, so that
  // the dropped ones are one gap and not many. A line is always admitted while none waits, however long it is.
  bool enter(std::size_t bytes, bool urgent);

  // For the thread that writes, before the leave() of a line of so many bytes: how many lines were dropped in the gap
  // that ends now; 0 if there is none, or if it goes on.
  std::uint64_t end_gap(std::size_t bytes);

  // An admitted line has been written; or it could not be, and counts as dropped.
  void leave(std::size_t bytes, bool written);

  // False: lines still waited after `patience`.
  bool wait_until_empty(std::chrono::milliseconds patience);

  // Since the start.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  const BacklogLimits limits_;
  mutable std::mutex mutex_;
  std::condition_variable empty_;
  // Under mutex_.
  std::size_t lines_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t gap_ = 0;  // dropped and not reported yet
  std::uint64_t dropped_ = 0;
};

}  // namespace tps::ops
