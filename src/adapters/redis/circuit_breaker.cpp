#include "adapters/redis/circuit_breaker.hpp"

#include <algorithm>

namespace tps::redis {

bool CircuitBreaker::allows(Time now) const { return now >= retry_at_.load(std::memory_order_relaxed); }

void CircuitBreaker::succeeded() {
  failures_ = 0;
  backoff_ = std::chrono::milliseconds{0};
  retry_at_.store(Time::min(), std::memory_order_relaxed);
}

void CircuitBreaker::failed(Time now, double jitter) {
  if (failures_ < options_.failures_to_open) ++failures_;
  if (!open()) return;
  backoff_ = std::clamp(backoff_ * 2, options_.first_backoff, options_.longest_backoff);
  const auto shortened = std::chrono::duration<double>(backoff_) * (1.0 - jitter / 2);
  retry_at_.store(now + std::chrono::duration_cast<Time::duration>(shortened), std::memory_order_relaxed);
}

}  // namespace tps::redis
