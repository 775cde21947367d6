// Store::next and Store::record: one settlement each, in order, all or nothing.
#include <gmock/gmock.h>

#include <limits>

#include "contract/fixture.hpp"

namespace tps::contract {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

using Settling = StoreContract;
TPS_ON_EVERY_STORE(Settling);

TEST_P(Settling, HasNothingToDoInAnEmptyLog) {
  EXPECT_THAT(taken(*store_).transactions, IsEmpty());
  EXPECT_EQ(add(*store_, deposit("a")).id, 1) << "nothing stays open";
}

TEST_P(Settling, TakesTransactionsInOrderUpToTheMaximum) {
  submit(*store_, {deposit("a"), withdrawal("b", 1), transfer("a", "c", 2)});
  const domain::SettlementInput input = taken(*store_, 0, 2);
  EXPECT_THAT(ids_of(input.transactions), ElementsAre(1, 2));
  EXPECT_EQ(input.transactions[1].type, Type::withdrawal);
  EXPECT_EQ(input.transactions[1].user_id, "b");
  ASSERT_TRUE(store_->record(0, domain::settle(input, kNow), soon()));
  const domain::SettlementInput rest = taken(*store_, 0, 2);
  EXPECT_THAT(ids_of(rest.transactions), ElementsAre(3));
  EXPECT_EQ(rest.last_settled_at, kNow);
}

TEST_P(Settling, GivesEveryAccountAndTotalThatIsTouched) {
  submit(*store_, {deposit("a", 70), deposit("b", 30), deposit("b", 5, "JPY")});
  settle(*store_);
  submit(*store_, {transfer("a", "b", 20), withdrawal("b", 1, "JPY")});
  const domain::SettlementInput input = taken(*store_);
  EXPECT_EQ(input.accounts.at({0, "a", "USD"}).posted, 70);
  EXPECT_EQ(input.accounts.at({0, "b", "USD"}).posted, 30);
  EXPECT_EQ(input.accounts.at({0, "b", "JPY"}), (domain::Account{.posted = 5, .version = 1}));
  EXPECT_EQ(input.totals.at("USD").deposits, 100);
  EXPECT_EQ(input.totals.at("JPY").deposits, 5);
}

TEST_P(Settling, ShowsWhatBecameOfEach) {
  submit(*store_, {deposit("a", 100), withdrawal("a", 500), transfer("a", "b", 40)});
  EXPECT_EQ(found(*store_, 1).status, Status::pending);
  EXPECT_EQ(found(*store_, 1).settled_at, std::nullopt);
  const Timestamp later = kNow + std::chrono::seconds(1);
  settle(*store_, 0, 100, later);
  EXPECT_EQ(found(*store_, 1).status, Status::settled);
  EXPECT_EQ(found(*store_, 1).settled_at, later);
  EXPECT_EQ(found(*store_, 2).status, Status::failed);
  EXPECT_EQ(found(*store_, 2).failure, Failure::insufficient_funds);
  EXPECT_EQ(found(*store_, 3).failure, std::nullopt);
  EXPECT_EQ(balances_of(*store_, "a")[0].posted, 60);
  EXPECT_EQ(balances_of(*store_, "b")[0].posted, 40);
}

TEST_P(Settling, ContinuesFromTheAccountsItWrote) {
  for (std::int64_t i = 1; i <= 5; ++i) {
    submit(*store_, {deposit("a", 10), withdrawal("a", 3)});
    const domain::SettlementOutput output = settle(*store_);
    EXPECT_EQ(output.settlements[1].posted_after, 7 * i);
    EXPECT_EQ(output.settlements[1].account_version, 2 * i);
    EXPECT_EQ(output.totals[0].second, (domain::Totals{.deposits = 10 * i, .withdrawals = 3 * i}));
  }
}

TEST_P(Settling, KeepsEverySettingOfAnAccount) {
  submit(*store_, {deposit("a", 10)});
  const domain::SettlementInput input = taken(*store_);
  domain::SettlementOutput output = domain::settle(input, kNow);
  const domain::Account account{.posted = 10, .held = 4, .version = 9, .overdraft_limit = 77, .frozen = true};
  output.accounts.front().second = account;
  ASSERT_TRUE(store_->record(0, output, soon()));
  submit(*store_, {deposit("a", 10)});
  EXPECT_EQ(taken(*store_).accounts.at({0, "a", "USD"}), account);
}

TEST_P(Settling, HoldsTheLargestAmounts) {
  submit(*store_, {deposit("a", kMost), deposit("a", 1), deposit("b", 1)});
  settle(*store_);
  EXPECT_EQ(found(*store_, 1).status, Status::settled);
  EXPECT_EQ(found(*store_, 2).failure, Failure::balance_overflow);
  EXPECT_EQ(balances_of(*store_, "a")[0].posted, kMost);
}

TEST_P(Settling, WritesNothingWhenTheSessionEndsBeforeRecord) {
  submit(*store_, {deposit("a")});
  {
    const auto other = session();
    EXPECT_THAT(ids_of(taken(*other).transactions), ElementsAre(1));
  }
  EXPECT_EQ(found(*store_, 1).status, Status::pending);
  EXPECT_THAT(ids_of(taken(*store_).transactions), ElementsAre(1));
}

TEST_P(Settling, StartsOverWhenNextIsCalledAgain) {
  submit(*store_, {deposit("a")});
  EXPECT_THAT(ids_of(taken(*store_).transactions), ElementsAre(1));
  const domain::SettlementInput input = taken(*store_);
  EXPECT_THAT(ids_of(input.transactions), ElementsAre(1));
  EXPECT_TRUE(store_->record(0, domain::settle(input, kNow), soon()));
}

TEST_P(Settling, RefusesRecordWithoutNext) {
  submit(*store_, {deposit("a")});
  const domain::SettlementOutput output = settle(*store_);
  const auto again = store_->record(0, output, soon());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, StoreFault::Kind::unavailable);
}

TEST_P(Settling, LetsOneWorkerHaveAPartition) {
  submit(*store_, {deposit("a")});
  const auto other = session();
  const domain::SettlementInput input = taken(*store_);
  const auto meanwhile = other->next(0, 100, soon());
  ASSERT_TRUE(meanwhile) << meanwhile.error().detail;
  EXPECT_FALSE(meanwhile->has_value());
  ASSERT_TRUE(store_->record(0, domain::settle(input, kNow), soon()));
  const auto afterwards = other->next(0, 100, soon());
  ASSERT_TRUE(afterwards && *afterwards);
  EXPECT_THAT((*afterwards)->transactions, IsEmpty());
}

TEST_P(Settling, CountsWhatWaits) {
  EXPECT_EQ(store_->backlog(0, soon())->pending, 0);
  EXPECT_EQ(store_->backlog(0, soon())->oldest, std::nullopt);
  add(*store_, deposit("a"), kNow);
  add(*store_, deposit("a"), kNow + std::chrono::seconds(1));
  add(*store_, deposit("a"), kNow + std::chrono::seconds(2));
  EXPECT_EQ(store_->backlog(0, soon())->pending, 3);
  EXPECT_EQ(store_->backlog(0, soon())->oldest, kNow);
  settle(*store_, 0, 1);
  EXPECT_EQ(store_->backlog(0, soon())->pending, 2);
  EXPECT_EQ(store_->backlog(0, soon())->oldest, kNow + std::chrono::seconds(1));
  settle(*store_);
  EXPECT_EQ(store_->backlog(0, soon())->pending, 0);
}

TEST_P(Settling, KeepsWhatItRecordedOverARestart) {
  submit(*store_, {deposit("a", 100), deposit("a", 1)});
  settle(*store_, 0, 1);
  store_.reset();
  test_store_->reopen();
  store_ = session();
  EXPECT_EQ(found(*store_, 1).status, Status::settled);
  EXPECT_THAT(ids_of(taken(*store_).transactions), ElementsAre(2));
}

}  // namespace
}  // namespace tps::contract
