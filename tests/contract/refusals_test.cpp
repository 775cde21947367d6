// Transactions that a store refuses to record, and rows that it cannot read. Neither stops a partition.
#include <gmock/gmock.h>

#include <functional>

#include "contract/fixture.hpp"

namespace tps::contract {
namespace {

using ::testing::ElementsAre;

using Refusals = StoreContract;
TPS_ON_EVERY_STORE(Refusals);

// Every database refuses one of the two: an amount that its table checks, or text that is no UTF-8.
TEST_P(Refusals, OfAValueWriteNothing) {
  submit(*store_, {deposit("a", 70), held(withdrawal("a", 10)), deposit("a", 5)});
  const domain::SettlementOutput good = domain::settle(taken(*store_), kNow);
  domain::SettlementOutput bad = good;
  bad.accounts.front().first.user_id = "\xFF";
  bad.accounts.front().second.held = -1;
  const auto refused = store_->record(0, bad, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, StoreFault::Kind::refused) << refused.error().detail;

  EXPECT_EQ(found(*store_, 1).status, Status::pending);
  EXPECT_EQ(balance_of(*store_, "a").version, 0);
  EXPECT_FALSE(store_->record(0, good, soon())) << "nothing is open any more";
  const domain::SettlementInput input = taken(*store_, 0, 1);
  EXPECT_THAT(ids_of(input.transactions), ElementsAre(1)) << "the store goes on";
  ASSERT_TRUE(store_->record(0, domain::settle_unprocessable(input, kNow), soon()));
  settle(*store_);
  EXPECT_EQ(found(*store_, 1).failure, Failure::unprocessable);
  EXPECT_EQ(balance_of(*store_, "a").posted, 5);
  EXPECT_EQ(found(*store_, 2).failure, Failure::insufficient_funds);
}

class Unreadable : public StoreContract {
 protected:
  // Inserts a copy of row 1 with an unknown type.
  void insert_unreadable(std::int64_t id) {
    const std::string past_checks = GetParam().name == "sqlite" ? "PRAGMA ignore_check_constraints = 1; " : "";
    const auto inserted = test_store_->sql(
        past_checks +
        "INSERT INTO transaction_log (partition, type, capture, id, amount_minor, created_at, user_id, currency,"
        " created_by) SELECT partition, 'z', capture, " +
        std::to_string(id) +
        ", amount_minor, created_at, user_id, currency, created_by FROM transaction_log"
        " WHERE id = 1");
    ASSERT_TRUE(inserted) << inserted.error();
  }
};
TPS_ON_EVERY_DATABASE(Unreadable);

TEST_P(Unreadable, RowsFailByThemselves) {
  add(*store_, deposit("a", 70));
  insert_unreadable(2);
  add(*store_, deposit("a", 5));
  const domain::SettlementInput input = taken(*store_);
  ASSERT_THAT(ids_of(input.transactions), ElementsAre(1, 2, 3));
  Transaction expected;
  expected.id = 2;
  expected.created_at = kNow;
  EXPECT_EQ(input.transactions[1], expected);
  const domain::SettlementOutput output = domain::settle(input, kNow);
  EXPECT_EQ(output.settlements[1].failure, Failure::unprocessable);
  ASSERT_TRUE(store_->record(0, output, soon()));
  EXPECT_EQ(found(*store_, 3).status, Status::settled);
  EXPECT_EQ(balance_of(*store_, "a").posted, 75);
}

TEST_P(Unreadable, RowsAreNotOfAnyAccount) {
  std::vector<Transaction> before(20, deposit("a", 1));
  submit(*store_, before);
  settle(*store_);
  for (std::int64_t id = 21; id < 41; ++id) insert_unreadable(id);
  settle(*store_, 0, 100, kNow + std::chrono::seconds(1));
  submit(*store_, before);
  settle(*store_, 0, 100, kNow + std::chrono::seconds(2));
  for (std::int64_t after = 0; after < 40; ++after) {
    const auto page = store_->statement({.user_id = "a", .currency = "USD", .after = after, .limit = 1}, soon());
    ASSERT_TRUE(page) << page.error().detail;
    ASSERT_EQ(page->entries.size(), 1) << after;
    EXPECT_EQ(page->entries[0].version, after + 1);
    EXPECT_EQ(page->entries[0].posted_after, after + 1);
  }
  const auto balances = store_->balances_at(0, "a", kNow + std::chrono::seconds(1), soon());
  ASSERT_TRUE(balances && balances->size() == 1);
  EXPECT_EQ(balances->front().posted, 20);
}

}  // namespace
}  // namespace tps::contract
