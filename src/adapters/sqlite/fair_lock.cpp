#include "adapters/sqlite/fair_lock.hpp"

#include <algorithm>

namespace tps::sqlite {

std::optional<FairLock::Hold> FairLock::acquire(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock guard(mutex_);
  if (!held_) {
    held_ = true;
    return Hold(this);
  }
  Waiter self;
  queue_.push_back(&self);
  if (self.turn.wait_until(guard, deadline, [&] { return self.is_next; })) return Hold(this);
  std::erase(queue_, &self);
  return std::nullopt;
}

std::size_t FairLock::waiting() const {
  const std::lock_guard guard(mutex_);
  return queue_.size();
}

void FairLock::release() {
  const std::lock_guard guard(mutex_);
  if (queue_.empty()) {
    held_ = false;
    return;
  }
  // held_ stays true: the lock goes from hand to hand, so no other session can step in between.
  Waiter* next = queue_.front();
  queue_.pop_front();
  next->is_next = true;
  next->turn.notify_one();
}

}  // namespace tps::sqlite
