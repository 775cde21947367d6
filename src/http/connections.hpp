// How many connections are open, in all threads.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace tps::http {

class Connections {
 public:
  Connections(std::size_t limit, std::size_t spare) : limit_(limit), spare_(spare) {}

  // False when the limit is reached.
  bool enter() { return enter_below(limit_); }

  // The same with the spare places.
  bool enter_spare() { return enter_below(limit_ + spare_); }

  void leave() {
    const std::scoped_lock lock(mutex_);
    if (--count_ == 0) none_.notify_all();
  }

  // True once there are none.
  bool wait_for_none(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    return none_.wait_for(lock, limit, [this] { return count_ == 0; });
  }

 private:
  bool enter_below(std::size_t limit) {
    const std::scoped_lock lock(mutex_);
    if (count_ >= limit) return false;
    ++count_;
    return true;
  }

  const std::size_t limit_;
  const std::size_t spare_;
  std::mutex mutex_;
  // Under mutex_.
  std::condition_variable none_;
  std::size_t count_ = 0;
};

}  // namespace tps::http
