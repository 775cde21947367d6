#include "ops/backlog.hpp"

#include <utility>

namespace tps::ops {

bool Backlog::enter(std::size_t bytes, bool urgent) {
  const std::scoped_lock lock(mutex_);
  const auto room = [urgent](std::size_t limit) { return urgent ? limit : limit - limit / 4; };
  const bool fits = lines_ < room(limits_.lines) && bytes_ + bytes <= room(limits_.bytes);
  if (lines_ == 0 || (fits && (urgent || gap_ == 0))) {
    ++lines_;
    bytes_ += bytes;
    return true;
  }
  ++gap_;
  ++dropped_;
  return false;
}

std::uint64_t Backlog::end_gap(std::size_t bytes) {
  const std::scoped_lock lock(mutex_);
  const bool half_free = lines_ - 1 <= limits_.lines / 2 && bytes_ - bytes <= limits_.bytes / 2;
  return half_free ? std::exchange(gap_, 0) : 0;
}

void Backlog::leave(std::size_t bytes, bool written) {
  const std::scoped_lock lock(mutex_);
  --lines_;
  bytes_ -= bytes;
  if (!written) ++dropped_;
  if (lines_ == 0) empty_.notify_all();
}

bool Backlog::wait_until_empty(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  return empty_.wait_for(lock, patience, [this] { return lines_ == 0; });
}

std::uint64_t Backlog::dropped() const {
  const std::scoped_lock lock(mutex_);
  return dropped_;
}

}  // namespace tps::ops
