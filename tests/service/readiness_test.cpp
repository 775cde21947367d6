// Readiness over the memory store: the clock, the log's end, and the lanes.
#include "service/readiness.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "faulty_store.hpp"
#include "lanes/lane_health.hpp"
#include "reference/memory_store.hpp"

namespace tps::service {
namespace {

using namespace std::chrono_literals;
using domain::ErrorCode;
using domain::Timestamp;

// Its clock and the end of its logs are configurable.
class ToldStore final : public test::FaultyStore {
 public:
  using test::FaultyStore::FaultyStore;

  ports::StoreResult<ports::Pong> ping(ports::Deadline) override { return ports::Pong{.time = Timestamp(time.load())}; }
  ports::StoreResult<Backlog> backlog(std::uint32_t partition, ports::Deadline) override {
    return Backlog{.pending = 1, .oldest = Timestamp(newest.at(partition).load()), .newest = newest.at(partition)};
  }

  std::atomic<Timestamp> time{Timestamp(1h)};
  std::array<std::atomic<Timestamp>, 2> newest{Timestamp(1h), Timestamp(1h)};
};

class ReadinessTest : public testing::Test {
 protected:
  void SetUp() override { testing::internal::CaptureStderr(); }
  void TearDown() override { testing::internal::GetCapturedStderr(); }

  [[nodiscard]] bool becomes(std::optional<ErrorCode> code) const {
    for (const auto deadline = std::chrono::steady_clock::now() + 30s; std::chrono::steady_clock::now() < deadline;) {
      const auto reason = readiness_.not_ready();
      if (reason.has_value() == code.has_value() && (!reason || reason->code == *code)) return true;
      std::this_thread::sleep_for(1ms);
    }
    return false;
  }

  const domain::Currencies currencies_;
  test::FaultPlan none_;
  ToldStore store_{
      std::make_unique<reference::MemoryStore>(std::make_shared<reference::MemoryDatabase>(2), currencies_), none_};
  std::atomic<Timestamp> now_{Timestamp(1h)};
  ops::Metrics metrics_;
  lanes::LaneHealth lane_{"submit", [](ports::Deadline) { return std::nullopt; }};
  ReadinessCheck readiness_{
      store_, 2, [this] { return now_.load(); }, {{lane_.name(), [this] { return lane_.trouble(); }}}, metrics_};
};

TEST_F(ReadinessTest, AClockThatIsWrongServesNothing) {
  for (const auto away : {1h, -1h, 24h, -24h, 438'000h, -438'000h}) {
    now_ = Timestamp(1h) + away;
    ASSERT_TRUE(becomes(ErrorCode::clock_wrong)) << away.count();
    EXPECT_EQ(metrics_.clock_skew_seconds.Value(), std::chrono::duration<double>(away).count());
    EXPECT_EQ(metrics_.ready.Value(), 0);
    now_ = Timestamp(1h);
    ASSERT_TRUE(becomes(std::nullopt)) << away.count();
    EXPECT_EQ(metrics_.clock_skew_seconds.Value(), 0);
  }
}

// An instance serves as long as it can write to one log. Ages are shown as they are.
TEST_F(ReadinessTest, LogsInTheFutureServeNothing) {
  store_.newest[1] = Timestamp(2h);
  while (metrics_.log_ahead_seconds(1).Value() != 3600) std::this_thread::sleep_for(1ms);
  EXPECT_TRUE(becomes(std::nullopt));
  EXPECT_EQ(metrics_.log_ahead_seconds(0).Value(), 0);
  EXPECT_EQ(metrics_.oldest_pending_seconds(1).Value(), -3600);
  store_.newest[0] = Timestamp(3h);
  EXPECT_TRUE(becomes(ErrorCode::clock_wrong));
  store_.newest[1] = Timestamp(1h);
  EXPECT_TRUE(becomes(std::nullopt));
}

TEST_F(ReadinessTest, ALaneInTroubleServesNothing) {
  lane_.landed(ports::StoreFault{ports::StoreFault::Kind::incompatible, "secret"}, ports::Deadline::max());
  ASSERT_TRUE(becomes(ErrorCode::store_unavailable));
  const std::string told = readiness_.not_ready()->reason;
  EXPECT_NE(told.find("submit fails"), std::string::npos) << told;
  EXPECT_EQ(told.find("secret"), std::string::npos) << told;
  lane_.landed(std::nullopt, ports::Deadline::max());
  EXPECT_TRUE(becomes(std::nullopt));
}

}  // namespace
}  // namespace tps::service
