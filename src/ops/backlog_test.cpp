#include "ops/backlog.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace tps::ops {
namespace {

using std::chrono::milliseconds;

constexpr BacklogLimits kEight{.lines = 8, .bytes = 800};

TEST(BacklogTest, TheLastQuarterIsForUrgentLines) {
  Backlog backlog(kEight);
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(backlog.enter(10, false)) << i;
  EXPECT_FALSE(backlog.enter(10, false));
  EXPECT_TRUE(backlog.enter(10, true));
  EXPECT_TRUE(backlog.enter(10, true));
  EXPECT_FALSE(backlog.enter(10, true));
  EXPECT_EQ(backlog.dropped(), 2U);
}

TEST(BacklogTest, BytesAreBounded) {
  Backlog backlog(kEight);
  EXPECT_TRUE(backlog.enter(600, false));
  EXPECT_FALSE(backlog.enter(1, false));
  EXPECT_TRUE(backlog.enter(200, true));
  EXPECT_FALSE(backlog.enter(1, true));
  EXPECT_EQ(backlog.dropped(), 2U);
}

TEST(BacklogTest, ALongLineIsAdmittedAlone) {
  Backlog backlog(kEight);
  EXPECT_TRUE(backlog.enter(5'000, false));
  EXPECT_FALSE(backlog.enter(1, true));
  backlog.leave(5'000, true);
  EXPECT_TRUE(backlog.enter(1, false)) << "the line that was refused does not close an empty backlog";
}

TEST(BacklogTest, AGapGoesOnUntilHalfOfTheRoomIsFree) {
  Backlog backlog(kEight);
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(backlog.enter(10, false));
  EXPECT_FALSE(backlog.enter(10, false));
  EXPECT_EQ(backlog.end_gap(10), 0U) << "five would wait";
  backlog.leave(10, true);
  EXPECT_FALSE(backlog.enter(10, false)) << "there is room, and the gap goes on";
  EXPECT_TRUE(backlog.enter(10, true)) << "an urgent line ends no gap";
  backlog.leave(10, true);
  EXPECT_EQ(backlog.end_gap(10), 2U) << "four would wait";
  EXPECT_EQ(backlog.end_gap(10), 0U) << "reported once";
  EXPECT_TRUE(backlog.enter(10, false));
  EXPECT_EQ(backlog.dropped(), 2U);
}

TEST(BacklogTest, AGapGoesOnWhileTheTextIsTooLong) {
  Backlog backlog(kEight);
  ASSERT_TRUE(backlog.enter(500, false));
  ASSERT_TRUE(backlog.enter(90, false));
  EXPECT_FALSE(backlog.enter(100, false));
  EXPECT_EQ(backlog.end_gap(90), 0U) << "500 of 800 bytes would wait";
  backlog.leave(90, true);
  EXPECT_EQ(backlog.end_gap(500), 1U);
}

TEST(BacklogTest, ALineThatCannotBeWrittenIsDroppedAndNoGap) {
  Backlog backlog(kEight);
  ASSERT_TRUE(backlog.enter(10, false));
  EXPECT_EQ(backlog.end_gap(10), 0U);
  backlog.leave(10, false);
  EXPECT_EQ(backlog.dropped(), 1U);
  EXPECT_TRUE(backlog.enter(10, false));
  EXPECT_EQ(backlog.end_gap(10), 0U) << "a report could not be written either";
}

TEST(BacklogTest, WaitsUntilEmpty) {
  Backlog backlog(kEight);
  EXPECT_TRUE(backlog.wait_until_empty(milliseconds(0)));
  ASSERT_TRUE(backlog.enter(10, false));
  EXPECT_FALSE(backlog.wait_until_empty(milliseconds(5)));
  std::thread writer([&backlog] {
    std::this_thread::sleep_for(milliseconds(20));
    backlog.leave(10, true);
  });
  EXPECT_TRUE(backlog.wait_until_empty(std::chrono::seconds(30)));
  writer.join();
}

}  // namespace
}  // namespace tps::ops
