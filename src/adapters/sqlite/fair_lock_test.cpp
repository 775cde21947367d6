#include "adapters/sqlite/fair_lock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace tps::sqlite {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

steady_clock::time_point soon() { return steady_clock::now() + seconds(30); }

TEST(FairLock, IsHeldByOne) {
  FairLock lock;
  const auto hold = lock.acquire(soon());
  ASSERT_TRUE(hold);
  EXPECT_FALSE(lock.acquire(steady_clock::now() + milliseconds(20)));
}

TEST(FairLock, IsFreeAfterItsHoldEnds) {
  FairLock lock;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(lock.acquire(steady_clock::now()));
}

TEST(FairLock, GoesOnWhenSomeoneGaveUpWaiting) {
  FairLock lock;
  {
    const auto hold = lock.acquire(soon());
    EXPECT_FALSE(lock.acquire(steady_clock::now() + milliseconds(5)));
  }
  EXPECT_TRUE(lock.acquire(steady_clock::now()));
}

// Two threads that want it all the time get it in turn: neither gets it twice while the other waits.
TEST(FairLock, Alternates) {
  constexpr int kTurns = 200;
  FairLock lock;
  std::atomic<bool> one_is_done = false;
  std::vector<int> turns;  // under `lock`
  const auto take_turns = [&](int who) {
    for (int i = 0; i < kTurns; ++i) {
      const auto hold = lock.acquire(soon());
      ASSERT_TRUE(hold);
      turns.push_back(who);
      // The other one must be in the queue before this one lets go, or there is nothing to be fair about.
      const auto end = soon();
      while (lock.waiting() == 0 && !one_is_done && steady_clock::now() < end) std::this_thread::yield();
    }
    one_is_done = true;
  };
  {
    const std::jthread first(take_turns, 1);
    const std::jthread second(take_turns, 2);
  }
  ASSERT_EQ(turns.size(), 2 * kTurns);
  for (std::size_t i = 1; i < turns.size(); ++i) EXPECT_NE(turns[i], turns[i - 1]) << i;
}

}  // namespace
}  // namespace tps::sqlite
