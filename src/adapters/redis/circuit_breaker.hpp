// Leaves a broken helper alone: opens after a few failures in a row, then lets a probe through after a backoff that
// doubles with every failed probe. Pure: time and jitter come in as arguments.
#pragma once

#include <atomic>
#include <chrono>

namespace tps::redis {

struct CircuitBreakerOptions {
  int failures_to_open = 3;
  std::chrono::milliseconds first_backoff{100};
  std::chrono::milliseconds longest_backoff{5'000};
};

class CircuitBreaker {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit CircuitBreaker(CircuitBreakerOptions options = {}) : options_(options) {}

  // True while closed, and when a probe is due. Any thread.
  [[nodiscard]] bool allows(Time now) const;

  // The rest: the one thread that does the work.
  [[nodiscard]] bool open() const { return failures_ >= options_.failures_to_open; }
  void succeeded();
  // `jitter` in [0, 1): the backoff is shortened by up to half of it, so that many instances do not probe together.
  void failed(Time now, double jitter);

 private:
  const CircuitBreakerOptions options_;
  int failures_ = 0;  // in a row
  std::chrono::milliseconds backoff_{0};
  std::atomic<Time> retry_at_{Time::min()};
};

}  // namespace tps::redis
