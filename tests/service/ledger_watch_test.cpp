#include "service/ledger_watch.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "books.hpp"

namespace tps::service {
namespace {

using namespace std::chrono_literals;
using domain::Type;
using test::make;

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
  void SetUp() override {
    domain::Transaction hold = make(Type::withdrawal, "a", 10);
    hold.capture = domain::Capture::manual;
    books_.submit(make(Type::deposit, "a", 100));
    books_.submit(make(Type::deposit, "b", 100, "EUR"));
    books_.submit(hold);
    books_.settle_all();
  }

  [[nodiscard]] bool shows_holds(double count) const {
    return eventually([&] { return metrics_.open_holds.Value() == count; });
  }
  [[nodiscard]] bool shows(const std::string& currency, double imbalance) {
    return eventually([&] { return metrics_.imbalance(currency).Value() == imbalance; });
  }

  test::Books books_{1};
  std::atomic<bool> away_ = false;
  std::atomic<int> reads_ = 0;
  test::BooksAudit audit_{books_, [this](std::size_t) {
                            ++reads_;
                            return away_.load();
                          }};
  ops::Metrics metrics_;
};

TEST_F(LedgerWatchTest, ShowsTheLedger) {
  books_.accounts[books_.key("b", "EUR")].posted -= 7;
  LedgerWatch watch({.interval = 1ms}, audit_, metrics_);
  EXPECT_TRUE(shows_holds(1));
  EXPECT_TRUE(shows("EUR", -7));
  EXPECT_TRUE(shows("USD", 0));
}

// If the store gives no figure, the metric is NaN and not the last known value.
TEST_F(LedgerWatchTest, ShowsNothingWhenTheStoreIsAway) {
  LedgerWatch watch({.interval = 1ms}, audit_, metrics_);
  EXPECT_TRUE(shows_holds(1));
  EXPECT_TRUE(shows("USD", 0));
  away_ = true;
  EXPECT_TRUE(eventually([&] { return std::isnan(metrics_.open_holds.Value()); }));
  EXPECT_TRUE(eventually([&] { return std::isnan(metrics_.imbalance("USD").Value()); }));
  away_ = false;
  EXPECT_TRUE(shows_holds(1));
  EXPECT_TRUE(shows("USD", 0));
}

// However many accounts there are, one read is short, and the end need not wait for the others.
TEST_F(LedgerWatchTest, StopsInTheMidstOfASum) {
  for (int i = 0; i < 50; ++i) books_.submit(make(Type::deposit, "user_" + std::to_string(i), 1));
  books_.settle_all();
  test::BooksAudit slow(books_, [&](std::size_t) {
    ++reads_;
    std::this_thread::sleep_for(5ms);
    return false;
  });
  LedgerWatch watch({.interval = 1ms, .piece = 1}, slow, metrics_);
  EXPECT_TRUE(eventually([&] { return reads_ >= 3; }));
  watch.stop();
  EXPECT_LT(reads_, 50);
}

TEST_F(LedgerWatchTest, StopsTwice) {
  LedgerWatch watch({.interval = 1h}, audit_, metrics_);
  watch.stop();
  watch.stop();
}

}  // namespace
}  // namespace tps::service
