#include "service/ledger_watch.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <mutex>
#include <thread>

#include "faulty_store.hpp"
#include "ports/store.hpp"
#include "reference/memory_store.hpp"

namespace tps::service {
namespace {

using namespace std::chrono_literals;

// A store with configurable answers.
class ToldStore final : public test::FaultyStore {
 public:
  using test::FaultyStore::FaultyStore;

  ports::StoreResult<ports::LedgerFigures> figures(ports::Deadline /*deadline*/) override {
    const std::scoped_lock lock(mutex_);
    return figures_;
  }
  void tell(ports::StoreResult<ports::LedgerFigures> figures) {
    const std::scoped_lock lock(mutex_);
    figures_ = std::move(figures);
  }

 private:
  std::mutex mutex_;
  ports::StoreResult<ports::LedgerFigures> figures_;
};

template <class Condition>
bool eventually(Condition condition) {
  const ports::Deadline deadline = std::chrono::steady_clock::now() + 30s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

class LedgerWatchTest : public testing::Test {
 protected:
  [[nodiscard]] bool shows_holds(double count) const {
    return eventually([&] { return metrics_.open_holds.Value() == count; });
  }
  [[nodiscard]] bool shows(const std::string& currency, double imbalance) {
    return eventually([&] { return metrics_.imbalance(currency).Value() == imbalance; });
  }

  const domain::Currencies currencies_;
  test::FaultPlan none_;
  ToldStore store_{std::make_unique<reference::MemoryStore>(std::make_shared<reference::MemoryDatabase>(), currencies_),
                   none_};
  ops::Metrics metrics_;
};

TEST_F(LedgerWatchTest, ShowsWhatTheStoreSays) {
  store_.tell(ports::LedgerFigures{.open_holds = 3, .imbalance = {{"USD", 0}, {"EUR", -7}}});
  LedgerWatch watch(store_, 1ms, metrics_);
  EXPECT_TRUE(shows_holds(3));
  EXPECT_TRUE(shows("EUR", -7));
  EXPECT_EQ(metrics_.imbalance("USD").Value(), 0);
  store_.tell(ports::LedgerFigures{.open_holds = 0, .imbalance = {{"USD", 5}, {"EUR", 0}}});
  EXPECT_TRUE(shows_holds(0));
  EXPECT_TRUE(shows("USD", 5));
  EXPECT_TRUE(shows("EUR", 0));
}

// If the store gives no figure, the metric is NaN and not the last known value.
TEST_F(LedgerWatchTest, ShowsNothingWhenTheStoreIsAway) {
  store_.tell(ports::LedgerFigures{.open_holds = 3, .imbalance = {{"USD", 0}}});
  LedgerWatch watch(store_, 1ms, metrics_);
  EXPECT_TRUE(shows_holds(3));
  EXPECT_TRUE(shows("USD", 0));
  store_.tell(std::unexpected(ports::StoreFault{ports::StoreFault::Kind::unavailable, "planned"}));
  EXPECT_TRUE(eventually([&] { return std::isnan(metrics_.open_holds.Value()); }));
  EXPECT_TRUE(eventually([&] { return std::isnan(metrics_.imbalance("USD").Value()); }));
  store_.tell(ports::LedgerFigures{.open_holds = 4, .imbalance = {{"USD", 0}}});
  EXPECT_TRUE(shows_holds(4));
  EXPECT_TRUE(shows("USD", 0));
}

TEST_F(LedgerWatchTest, StopsTwice) {
  LedgerWatch watch(store_, 1h, metrics_);
  watch.stop();
  watch.stop();
}

}  // namespace
}  // namespace tps::service
