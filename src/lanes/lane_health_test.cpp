#include "lanes/lane_health.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tps::lanes {
namespace {

using namespace std::chrono_literals;
using ports::StoreFault;
using Kind = StoreFault::Kind;

class LaneHealthTest : public testing::Test {
 protected:
  void SetUp() override {
    testing::internal::CaptureStderr();
    health_.idle(kDeadline, now_);
  }
  void TearDown() override { testing::internal::GetCapturedStderr(); }

  void fly(const std::optional<StoreFault>& fault = std::nullopt) { health_.landed(fault, kDeadline, now_); }
  void pass(std::chrono::seconds time) { now_ += time; }
  void idle() { health_.idle(kDeadline, now_); }
  [[nodiscard]] bool is_well() const { return !health_.trouble(); }
  // Since the last time.
  static std::size_t warnings() {
    const std::string said = testing::internal::GetCapturedStderr();
    testing::internal::CaptureStderr();
    std::size_t count = 0;
    for (auto at = said.find("requests fail"); at != std::string::npos; at = said.find("requests fail", at + 1))
      ++count;
    return count;
  }

  static constexpr ports::Deadline kDeadline = ports::Deadline::max();
  const StoreFault slow_{Kind::unavailable, "canceling statement due to statement timeout"};
  const StoreFault lasting_{Kind::incompatible, "the database is too old"};
  std::optional<StoreFault> probe_;
  int probes_ = 0;
  LaneHealth::Time now_{1h};
  LaneHealth health_{"submit", [this](ports::Deadline) {
                       ++probes_;
                       return probe_;
                     }};
};

TEST_F(LaneHealthTest, IsAskedForOnceAtTheStart) {
  EXPECT_EQ(probes_, 1);
  EXPECT_TRUE(is_well());
  idle();
  fly();
  idle();
  EXPECT_EQ(probes_, 1) << "all is well";
}

TEST_F(LaneHealthTest, AFlightThatFailsByItselfIsNoTrouble) {
  fly(slow_);
  EXPECT_EQ(probes_, 2);
  EXPECT_TRUE(is_well());
  EXPECT_EQ(warnings(), 1U);
}

// A role that may connect no more, a server that is gone.
TEST_F(LaneHealthTest, ASessionThatCannotBeUsedIsTroubleUntilItCan) {
  probe_ = StoreFault{Kind::unavailable, "too many connections for role"};
  fly(slow_);
  ASSERT_FALSE(is_well());
  EXPECT_EQ(health_.trouble()->detail, "too many connections for role");
  idle();
  EXPECT_FALSE(is_well());
  probe_.reset();
  idle();
  EXPECT_TRUE(is_well());
}

// A probe changes nothing, so it cannot tell that writing works again: requests may try after a while.
TEST_F(LaneHealthTest, ALastingTroubleIsTriedAgainAfterAWhile) {
  fly(lasting_);
  pass(9s);
  idle();
  EXPECT_FALSE(is_well());
  pass(1s);
  idle();
  EXPECT_TRUE(is_well());
  fly(lasting_);
  EXPECT_FALSE(is_well());
  EXPECT_EQ(warnings(), 1U) << "it is the same trouble";
  fly();
  EXPECT_TRUE(is_well());
}

TEST_F(LaneHealthTest, AClockThatIsWrongIsNoTroubleOfTheLane) {
  fly(StoreFault{Kind::clock_wrong, "ahead"});
  EXPECT_TRUE(is_well());
}

// One line for failures that come and go.
TEST_F(LaneHealthTest, ATroubleIsLoggedOnce) {
  for (int i = 0; i < 100; ++i) {
    fly(slow_);
    fly();
    pass(1s);
  }
  EXPECT_EQ(warnings(), 1U);
  pass(5s);
  fly();
  fly(slow_);
  EXPECT_EQ(warnings(), 1U) << "another one";
  pass(5s);
  idle();
  idle();
  fly(slow_);
  EXPECT_EQ(warnings(), 1U) << "and another one, though no request came in between";
}

}  // namespace
}  // namespace tps::lanes
