// The lock around SQLite's only writer: first come, first served, so that submitting and settling alternate and
// neither starves (a plain mutex, or two connections left to SQLite's busy loop, let one side wait for seconds).
// Any thread may call; the holder may pass its Hold on to another thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>

namespace tps::sqlite {

class FairLock {
 public:
  // The holder of one is alone. Releases in its destructor.
  class Hold {
   public:
    Hold(Hold&& other) noexcept : lock_(other.lock_) { other.lock_ = nullptr; }
    Hold& operator=(Hold&&) = delete;
    ~Hold() {
      if (lock_ != nullptr) lock_->release();
    }

   private:
    friend class FairLock;
    explicit Hold(FairLock* lock) : lock_(lock) {}
    FairLock* lock_;
  };

  // nullopt: the deadline came first.
  std::optional<Hold> acquire(std::chrono::steady_clock::time_point deadline);

  // How many wait for it now.
  [[nodiscard]] std::size_t waiting() const;

 private:
  struct Waiter {
    std::condition_variable turn;
    bool is_next = false;
  };
  void release();

  mutable std::mutex mutex_;
  // Under mutex_.
  bool held_ = false;
  std::deque<Waiter*> queue_;
};

}  // namespace tps::sqlite
