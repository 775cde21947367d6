#include "auth/rate_limiter.hpp"

#include <gtest/gtest.h>

namespace tps::auth {
namespace {

using namespace std::chrono_literals;

const RateLimiter::Time kStart{1h};

TEST(RateLimiter, GivesABurstAndThenOnePerInterval) {
  RateLimiter limiter(100ms, 3);
  EXPECT_EQ(limiter.take("a", kStart).remaining, 2U);
  EXPECT_EQ(limiter.take("a", kStart).remaining, 1U);
  EXPECT_EQ(limiter.take("a", kStart).remaining, 0U);
  const auto refused = limiter.take("a", kStart);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.retry_after, 1s);
  EXPECT_FALSE(limiter.take("a", kStart + 99ms).allowed);
  EXPECT_TRUE(limiter.take("a", kStart + 100ms).allowed);
  EXPECT_FALSE(limiter.take("a", kStart + 100ms).allowed);
  EXPECT_EQ(limiter.take("a", kStart + 1h).remaining, 2U);
  EXPECT_EQ(limiter.window(), 1s);
}

TEST(RateLimiter, KnowsEachByItself) {
  RateLimiter limiter(10s, 1);
  EXPECT_TRUE(limiter.take("a", kStart).allowed);
  EXPECT_TRUE(limiter.take("b", kStart).allowed);
  const auto refused = limiter.take("a", kStart + 1s);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.retry_after, 9s);
}

TEST(RateLimiter, LooksWithoutTaking) {
  RateLimiter limiter(1s, 1);
  EXPECT_TRUE(limiter.look("a", kStart).allowed);
  EXPECT_TRUE(limiter.look("a", kStart).allowed);
  limiter.take("a", kStart);
  EXPECT_FALSE(limiter.look("a", kStart).allowed);
}

TEST(RateLimiter, KnowsNoMoreThanItMay) {
  RateLimiter limiter(1s, 1, 3);
  for (const char* who : {"a", "b", "c"}) limiter.take(who, kStart);
  limiter.take("c", kStart + 1s);
  limiter.take("d", kStart + 1s);  // a and b are full again and forgotten
  EXPECT_FALSE(limiter.take("c", kStart + 1s).allowed);
  EXPECT_FALSE(limiter.take("d", kStart + 1s).allowed);
}

TEST(RateLimiter, ForgetsThoseThatUsedLeast) {
  RateLimiter limiter(1s, 10, 3);
  for (int i = 0; i < 10; ++i) limiter.take("busy", kStart);
  for (const char* made_up : {"a", "b", "c", "d", "e", "f", "g"}) limiter.take(made_up, kStart);
  EXPECT_FALSE(limiter.take("busy", kStart).allowed);
}

}  // namespace
}  // namespace tps::auth
