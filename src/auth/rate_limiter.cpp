#include "auth/rate_limiter.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

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

// Those whose bucket is full are forgotten at no loss. If that is not enough, a client invents names and uses each a
// little: these are forgotten, and the callers that used most are kept. A quarter goes at a time, since the search is
// expensive.
void RateLimiter::make_room(Time now) {
  std::erase_if(full_at_, [now](const auto& entry) { return entry.second <= now; });
  if (full_at_.size() < most_known_) return;
  std::vector<Time> times;
  times.reserve(full_at_.size());
  for (const auto& [who, full_at] : full_at_) times.push_back(full_at);
  std::size_t unwanted = std::max<std::size_t>(times.size() / 4, 1);
  const auto last = times.begin() + static_cast<std::ptrdiff_t>(unwanted - 1);
  std::ranges::nth_element(times, last);
  // Of those that are equal, no more than needed.
  std::erase_if(full_at_, [&unwanted, least = *last](const auto& entry) {
    const bool goes = entry.second <= least && unwanted > 0;
    if (goes) --unwanted;
    return goes;
  });
}

}  // namespace tps::auth
