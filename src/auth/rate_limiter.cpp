#include "auth/rate_limiter.hpp"

#include <algorithm>

namespace tps::auth {

using std::chrono::ceil;
using std::chrono::seconds;

RateLimiter::RateLimiter(std::chrono::nanoseconds interval, std::uint32_t burst, std::size_t most_known)
    : interval_(interval), burst_(burst), most_known_(most_known) {}

seconds RateLimiter::window() const { return ceil<seconds>(interval_ * burst_); }

RateLimiter::Decision RateLimiter::decide(Time full_at, Time now) const {
  const auto missing = std::max(full_at - now, Time::duration(0));
  const auto room = interval_ * burst_ - missing;
  if (room < interval_) return {.allowed = false, .remaining = 0, .retry_after = ceil<seconds>(interval_ - room)};
  return {.allowed = true, .remaining = static_cast<std::uint32_t>(room / interval_)};
}

RateLimiter::Decision RateLimiter::look(std::string_view who, Time now) {
  const std::scoped_lock lock(mutex_);
  const auto found = full_at_.find(who);
  return decide(found == full_at_.end() ? now : found->second, now);
}

RateLimiter::Decision RateLimiter::take(std::string_view who, Time now) {
  const std::scoped_lock lock(mutex_);
  auto found = full_at_.find(who);
  if (found == full_at_.end()) {
    if (full_at_.size() >= most_known_) make_room(now);
    found = full_at_.emplace(who, now).first;
  }
  Decision decision = decide(found->second, now);
  if (!decision.allowed) return decision;
  found->second = std::max(found->second, now) + interval_;
  --decision.remaining;
  return decision;
}

// Those whose bucket is full are forgotten at no loss. If that is not enough, somebody makes up names, and the memory
// is worth more than what is known about them.
void RateLimiter::make_room(Time now) {
  std::erase_if(full_at_, [now](const auto& entry) { return entry.second <= now; });
  if (full_at_.size() >= most_known_) full_at_.clear();
}

}  // namespace tps::auth
