#include "domain/clock.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace tps::domain {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;
using std::chrono::seconds;
using Kind = ClockFault::Kind;

constexpr Timestamp kNow{1'800'000'000s};

TEST(Clock, IsComparedWithItsReferenceAndTheEndOfTheLog) {
  struct Case {
    microseconds clock;  // away from the reference
    microseconds log;    // likewise
    std::optional<ClockFault> fault;
  };
  constexpr seconds kFiftyYears{1'577'880'000};
  const Case cases[] = {
      {0us, -1h, std::nullopt},
      {10s, 10s, std::nullopt},
      {-10s, 10s, std::nullopt},
      {10s + 1us, 0us, ClockFault{Kind::ahead, 10s}},
      {-10s - 1us, 0us, ClockFault{Kind::behind, 11s}},
      {1h, 0us, ClockFault{Kind::ahead, 3600s}},
      {-1h, 0us, ClockFault{Kind::behind, 3600s}},
      {kFiftyYears, 0us, ClockFault{Kind::ahead, kFiftyYears}},
      {-kFiftyYears, 0us, ClockFault{Kind::behind, kFiftyYears}},
      {0us, 10s + 1us, ClockFault{Kind::log_ahead, 10s}},
      {0us, 24h, ClockFault{Kind::log_ahead, 86400s}},
      {1h, 24h, ClockFault{Kind::ahead, 3600s}},
      {-1h, 24h, ClockFault{Kind::behind, 3600s}},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(clock_fault(kNow + c.clock, kNow, kNow + c.log), c.fault)
        << c.clock.count() << "us, " << c.log.count() << "us";
  }
}

// Of an empty log, and of a damaged row.
TEST(Clock, KnowsTheEndsOfTime) {
  EXPECT_EQ(clock_fault(kNow, kNow, Timestamp{}), std::nullopt);
  EXPECT_EQ(clock_fault(kNow, kNow, Timestamp::min()), std::nullopt);
  EXPECT_EQ(clock_fault(kNow, kNow, Timestamp::max())->kind, Kind::log_ahead);
}

TEST(Clock, IsNoFurtherAwayThanTheTwoLooksAtItSay) {
  EXPECT_EQ(clock_skew(kNow, kNow + 2s, kNow), 0us);
  EXPECT_EQ(clock_skew(kNow, kNow + 2s, kNow + 1s), 0us);
  EXPECT_EQ(clock_skew(kNow, kNow + 2s, kNow + 2s), 0us);
  EXPECT_EQ(clock_skew(kNow, kNow + 2s, kNow - 3s), 3s);
  EXPECT_EQ(clock_skew(kNow, kNow + 2s, kNow + 5s), -3s);
}

TEST(Clock, SaysWhatIsWrong) {
  EXPECT_EQ(sentence({Kind::ahead, 86400s}), "the clock of this instance is 86400 s ahead");
  EXPECT_EQ(sentence({Kind::behind, 11s}), "the clock of this instance is 11 s behind");
  EXPECT_EQ(sentence({Kind::log_ahead, 60s}), "the log ends 60 s in the future");
}

TEST(SteadyReference, RunsOnWhenTheClockIsSet) {
  for (const seconds jump : {3'600s, -3'600s, 86'400s, -86'400s, 1'577'880'000s, -1'577'880'000s}) {
    SteadyReference reference;
    EXPECT_EQ(reference.at(kNow, 5s), kNow);
    EXPECT_EQ(reference.at(kNow + 2s, 7s), kNow + 2s);
    for (const seconds later : {1s, 60s, 7'200s}) {
      EXPECT_EQ(reference.at(kNow + 2s + jump + later, 7s + later), kNow + 2s + later);
      EXPECT_TRUE(clock_fault(kNow + 2s + jump + later, reference.at(kNow + 2s + jump + later, 7s + later), {}));
    }
    // And back.
    EXPECT_EQ(reference.at(kNow + 7'202s, 7'207s), kNow + 7'202s);
  }
}

// Corrections of a second, again and again, as a clock gets that drifts.
TEST(SteadyReference, FollowsSmallCorrections) {
  SteadyReference reference;
  Timestamp now = kNow;
  for (seconds passed = 0s; passed < 1'000s; passed += 1s) {
    EXPECT_EQ(clock_fault(now, reference.at(now, passed), {}), std::nullopt);
    now += 2s;
  }
}

}  // namespace
}  // namespace tps::domain
