#include "adapters/redis/circuit_breaker.hpp"

#include <gtest/gtest.h>

namespace tps::redis {
namespace {

using std::chrono::milliseconds;
using Time = CircuitBreaker::Time;

constexpr Time kStart{std::chrono::hours{1}};

void open(CircuitBreaker& breaker, Time now) {
  for (int i = 0; i < 3; ++i) breaker.failed(now, 0);
}

TEST(CircuitBreaker, OpensOnlyAfterFailuresInARow) {
  CircuitBreaker breaker;
  for (int round = 0; round < 10; ++round) {
    breaker.failed(kStart, 0);
    breaker.failed(kStart, 0);
    EXPECT_TRUE(breaker.allows(kStart));
    EXPECT_FALSE(breaker.open());
    breaker.succeeded();
  }
  open(breaker, kStart);
  EXPECT_TRUE(breaker.open());
  EXPECT_FALSE(breaker.allows(kStart));
}

TEST(CircuitBreaker, LetsAProbeThroughAfterTheBackoff) {
  CircuitBreaker breaker;
  open(breaker, kStart);
  EXPECT_FALSE(breaker.allows(kStart + milliseconds{99}));
  EXPECT_TRUE(breaker.allows(kStart + milliseconds{100}));
  EXPECT_TRUE(breaker.open()) << "half-open is still open until the probe succeeds";
}

TEST(CircuitBreaker, ASuccessfulProbeCloses) {
  CircuitBreaker breaker;
  open(breaker, kStart);
  breaker.succeeded();
  EXPECT_FALSE(breaker.open());
  EXPECT_TRUE(breaker.allows(kStart));
  breaker.failed(kStart, 0);
  EXPECT_TRUE(breaker.allows(kStart)) << "and it takes several failures to open again";
  open(breaker, kStart);
  EXPECT_TRUE(breaker.allows(kStart + milliseconds{200})) << "with a short backoff again";
}

TEST(CircuitBreaker, BacksOffTwiceAsLongUpToTheLimit) {
  CircuitBreaker breaker;
  open(breaker, kStart);
  Time now = kStart;
  for (const int expected_ms : {200, 400, 800, 1600, 3200, 5000, 5000, 5000}) {
    now += milliseconds{10'000};
    breaker.failed(now, 0);
    EXPECT_FALSE(breaker.allows(now + milliseconds{expected_ms - 1})) << expected_ms;
    EXPECT_TRUE(breaker.allows(now + milliseconds{expected_ms})) << expected_ms;
  }
}

TEST(CircuitBreaker, JitterShortensByUpToHalf) {
  for (const auto& [jitter, expected_ms] : {std::pair{0.0, 100}, {0.5, 75}, {1.0, 50}}) {
    CircuitBreaker breaker;
    for (int i = 0; i < 3; ++i) breaker.failed(kStart, jitter);
    EXPECT_FALSE(breaker.allows(kStart + milliseconds{expected_ms - 1})) << jitter;
    EXPECT_TRUE(breaker.allows(kStart + milliseconds{expected_ms})) << jitter;
  }
}

}  // namespace
}  // namespace tps::redis
