// How many connections are open, in all threads.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace tps::http {

class Connections {
 public:
  explicit Connections(std::size_t limit) : limit_(limit) {}

  // False when the limit is reached.
  bool enter() {
    const std::scoped_lock lock(mutex_);
    if (count_ >= limit_) return false;
    ++count_;
    return true;
  }

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
  const std::size_t limit_;
  std::mutex mutex_;
  // Under mutex_.
  std::condition_variable none_;
  std::size_t count_ = 0;
};

}  // namespace tps::http
