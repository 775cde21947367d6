// How much each of many may do: a token bucket for each, kept as the one time at which it will be full again (GCRA, the
// generic cell rate algorithm of ITU-T I.371). Bounded; any thread may call.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tps::auth {

class RateLimiter {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // `burst` at once, and then one per `interval`. Of more than `most_known` at once, those are forgotten that used
  // least.
  RateLimiter(std::chrono::nanoseconds interval, std::uint32_t burst, std::size_t most_known = 100'000);

  struct Decision {
    bool allowed = true;
    std::uint32_t remaining = 0;          // may follow at once
    std::chrono::seconds retry_after{0};  // if not allowed: until one is; rounded up
  };
  // Takes one, if there is one.
  Decision take(std::string_view who, Time now);
  // Whether one could be taken.
  Decision look(std::string_view who, Time now);

  [[nodiscard]] std::uint32_t burst() const { return burst_; }
  // Until an empty bucket is full.
  [[nodiscard]] std::chrono::seconds window() const;

 private:
  struct HashText {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  [[nodiscard]] Decision decide(Time full_at, Time now) const;
  void make_room(Time now);

  const std::chrono::nanoseconds interval_;
  const std::uint32_t burst_;
  const std::size_t most_known_;

  std::mutex mutex_;
  std::unordered_map<std::string, Time, HashText, std::equal_to<>> full_at_;  // under mutex_; absent: full
};

}  // namespace tps::auth
