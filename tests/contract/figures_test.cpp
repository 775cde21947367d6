// The figures for the worker and for operators: expired holds, open holds, and the sum of the accounts.
#include <gmock/gmock.h>

#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "contract/fixture.hpp"
#include "ports/store.hpp"
#include "service/ledger_sum.hpp"

namespace tps::contract {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class Figures : public StoreContract {
 protected:
  void SetUp() override { start(2); }

  std::int64_t open_holds() {
    const auto answer = test_store_->audit(currencies_)->open_holds(soon());
    EXPECT_TRUE(answer) << answer.error().detail;
    return answer.value_or(-1);
  }
  std::map<std::string, std::int64_t> imbalance() {
    const auto audit = test_store_->audit(currencies_);
    const auto answer = service::LedgerSum(*audit, 2, [](auto) { return true; }).imbalance();
    EXPECT_TRUE(answer) << answer.error().detail;
    return answer ? *answer : std::map<std::string, std::int64_t>{};
  }
  std::vector<std::int64_t> expired(std::uint32_t partition, Timestamp now, std::size_t max = 100) {
    const auto answer = store_->expired_holds(partition, now, {}, max, soon());
    EXPECT_TRUE(answer) << answer.error().detail;
    return answer ? ids_of(answer->holds) : std::vector<std::int64_t>{};
  }
  static std::vector<Transaction> hold_for(std::initializer_list<int> lives) {
    std::vector<Transaction> holds;
    for (const int each : lives) holds.push_back(held(withdrawal("a", 10), seconds(each)));
    return holds;
  }
};
TPS_ON_EVERY_STORE(Figures);

TEST_P(Figures, NameTheHoldsThatExpiredEarliestFirst) {
  add(*store_, deposit("a", 100));
  submit(*store_, hold_for({50, 20, 40, 20, 30}));
  EXPECT_THAT(expired(0, kNow + seconds(100)), IsEmpty()) << "they are not authorized yet";
  settle(*store_);
  EXPECT_THAT(expired(0, kNow + seconds(19)), IsEmpty());
  EXPECT_THAT(expired(0, kNow + seconds(20)), ElementsAre(3, 5));
  EXPECT_THAT(expired(0, kNow + seconds(49)), ElementsAre(3, 5, 6, 4));
  EXPECT_THAT(expired(0, kNow + seconds(49), 2), ElementsAre(3, 5));
  EXPECT_THAT(expired(1, kNow + seconds(100)), IsEmpty());
  EXPECT_THAT(store_->expired_holds(0, kNow + seconds(20), {}, 1, soon())->holds, ElementsAre(found(*store_, 3)));

  submit(*store_, {child(Type::expiry, found(*store_, 3)), child(Type::capture, found(*store_, 5)),
                   child(Type::void_, found(*store_, 6))});
  settle(*store_);
  EXPECT_THAT(expired(0, kNow + seconds(100)), ElementsAre(4, 2));
}

// Page after page, also where several end at the same time.
TEST_P(Figures, NameTheHoldsThatExpiredInPages) {
  add(*store_, deposit("a", 100));
  submit(*store_, hold_for({50, 20, 40, 20, 20}));
  settle(*store_);
  std::vector<std::vector<std::int64_t>> pages;
  std::optional<ports::HoldPosition> after = ports::HoldPosition{};
  while (after) {
    const auto due = store_->expired_holds(0, kNow + seconds(45), *after, 2, soon());
    ASSERT_TRUE(due) << due.error().detail;
    pages.push_back(ids_of(due->holds));
    after = due->next;
  }
  EXPECT_THAT(pages, ElementsAre(ElementsAre(3, 5), ElementsAre(6, 4), IsEmpty()));
}

TEST_P(Figures, NameTheHoldsOfTheirPartition) {
  add(*store_, in(1, deposit("b", 100)));
  const Transaction hold = add(*store_, in(1, held(withdrawal("b", 10), seconds(5))));
  settle(*store_, 1);
  EXPECT_THAT(expired(0, kNow + seconds(10)), IsEmpty());
  EXPECT_THAT(expired(1, kNow + seconds(10)), ElementsAre(hold.id));
}

TEST_P(Figures, CountOpenHolds) {
  EXPECT_EQ(open_holds(), 0);
  submit(*store_, {deposit("a", 20), held(withdrawal("a", 10)), held(withdrawal("a", 10)), held(withdrawal("a", 10))});
  add(*store_, in(1, deposit("b", 20)));
  const Transaction other = add(*store_, in(1, held(withdrawal("b", 10))));
  settle(*store_, 0);
  settle(*store_, 1);
  EXPECT_EQ(open_holds(), 3) << "one failed";
  add(*store_, child(Type::void_, other));
  settle(*store_, 1);
  EXPECT_EQ(open_holds(), 2);
}

TEST_P(Figures, FindThatTheAccountsAddUp) {
  EXPECT_THAT(imbalance(), IsEmpty());
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  submit(*store_, {deposit("a", most), deposit("c", most), deposit("d", most), deposit("a", 500, "JPY"),
                   withdrawal("c", 7), transfer("c", "e", 1'000)});
  add(*store_, in(1, deposit("b", most)));
  const Transaction hold = add(*store_, in(1, held(withdrawal("b", 100))));
  settle(*store_, 0);
  settle(*store_, 1);
  add(*store_, child(Type::capture, hold, 60));
  settle(*store_, 1);
  submit(*store_, {child(Type::reversal, found(*store_, 1), 3), child(Type::reversal, found(*store_, 5), 2)});
  settle(*store_, 0);
  EXPECT_THAT(imbalance(), UnorderedElementsAre(Pair("JPY", 0), Pair("USD", 0)));
}

using FiguresOfADatabase = Figures;
TPS_ON_EVERY_DATABASE(FiguresOfADatabase);

TEST_P(FiguresOfADatabase, TellByHowMuchTheyDoNot) {
  submit(*store_, {deposit("a", 100), deposit("b", 50, "EUR"), deposit("b", 5, "JPY")});
  settle(*store_);
  ASSERT_TRUE(test_store_->sql("UPDATE accounts SET posted = posted + 7 WHERE user_id = 'a'"));
  ASSERT_TRUE(test_store_->sql("UPDATE totals SET withdrawal_reversals = 3 WHERE currency = 'EUR'"));
  EXPECT_THAT(imbalance(), UnorderedElementsAre(Pair("EUR", -3), Pair("JPY", 0), Pair("USD", 7)));
  ASSERT_TRUE(test_store_->sql("DELETE FROM accounts WHERE currency = 'JPY'"));
  EXPECT_EQ(imbalance().at("JPY"), -5);
}

}  // namespace
}  // namespace tps::contract
