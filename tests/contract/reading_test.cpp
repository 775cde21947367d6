// Store::find and Store::balances.
#include <gmock/gmock.h>

#include <limits>

#include "contract/fixture.hpp"

namespace tps::contract {
namespace {

using ::testing::IsEmpty;

using Reading = StoreContract;
TPS_ON_EVERY_STORE(Reading);

TEST_P(Reading, AnswersEachIdInOrder) {
  submit(*store_, {deposit("a"), deposit("b"), deposit("c")});
  const std::vector<std::int64_t> ids{
      3, 99, 1, 3, 0, -1, std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()};
  const auto answers = store_->find(ids, soon());
  ASSERT_TRUE(answers) << answers.error().detail;
  ASSERT_EQ(answers->size(), ids.size());
  EXPECT_EQ((*answers)[0]->user_id, "c");
  EXPECT_EQ((*answers)[2]->user_id, "a");
  EXPECT_EQ((*answers)[3]->user_id, "c");
  for (const std::size_t missing : {1U, 4U, 5U, 6U, 7U}) EXPECT_FALSE((*answers)[missing]) << missing;
  EXPECT_THAT(*store_->find({}, soon()), IsEmpty());
}

TEST_P(Reading, SeesAtOnceWhatAnotherSessionDid) {
  const auto other = session();
  EXPECT_THAT(listed(*other, {}).transactions, IsEmpty());
  add(*store_, deposit("a"));
  EXPECT_EQ(found(*other, 1).status, Status::pending);
  settle(*store_);
  EXPECT_EQ(found(*other, 1).status, Status::settled);
}

TEST_P(Reading, SeesNothingOfASettlementUnderWay) {
  add(*store_, deposit("a"));
  const auto settler = session();
  const auto input = settler->next(0, 10, soon());
  ASSERT_TRUE(input && *input);
  EXPECT_EQ(found(*store_, 1).status, Status::pending);
  EXPECT_EQ(balances_of(*store_, "a")[0].posted, 0);
}

TEST_P(Reading, KnowsNoBalancesOfAnUnknownUser) { EXPECT_THAT(balances_of(*store_, "nobody"), IsEmpty()); }

TEST_P(Reading, SortsBalancesByCurrencyWithWhatIsPending) {
  submit(*store_, {deposit("a", 100, "USD"), deposit("a", 5, "EUR"), deposit("b", 1'000, "USD")});
  settle(*store_);
  submit(*store_, {withdrawal("a", 30), transfer("a", "b", 20), transfer("b", "a", 7), deposit("a", 9, "JPY")});
  const auto balances = balances_of(*store_, "a");
  ASSERT_EQ(balances.size(), 3);
  EXPECT_EQ(balances[0].currency, "EUR");
  EXPECT_EQ(balances[0].posted, 5);
  EXPECT_EQ(balances[0].pending, 0);
  EXPECT_EQ(balances[0].version, 1);
  EXPECT_EQ(balances[1].currency, "JPY");
  EXPECT_EQ(balances[1].posted, 0);
  EXPECT_EQ(balances[1].available, 0);
  EXPECT_EQ(balances[1].pending, 9);
  EXPECT_EQ(balances[1].version, 0);
  EXPECT_EQ(balances[2].currency, "USD");
  EXPECT_EQ(balances[2].posted, 100);
  EXPECT_EQ(balances[2].available, 100);
  EXPECT_EQ(balances[2].pending, -43);
  settle(*store_);
  EXPECT_EQ(balances_of(*store_, "a")[2].posted, 57);
  EXPECT_EQ(balances_of(*store_, "a")[2].pending, 0);
}

TEST_P(Reading, SurvivesPendingAmountsBeyondAnyBalance) {
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  submit(*store_, {deposit("a", most), deposit("a", most), deposit("a", most)});
  EXPECT_EQ(balances_of(*store_, "a")[0].pending, most);
  submit(*store_, {withdrawal("b", most), withdrawal("b", most)});
  EXPECT_EQ(balances_of(*store_, "b")[0].pending, std::numeric_limits<std::int64_t>::min());
}

TEST_P(Reading, IsReachable) { EXPECT_TRUE(store_->ping(soon())); }

}  // namespace
}  // namespace tps::contract
