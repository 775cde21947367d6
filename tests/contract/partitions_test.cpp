// More than one partition: several logs with ids of their own.
#include <gmock/gmock.h>

#include <barrier>
#include <thread>

#include "contract/fixture.hpp"

namespace tps::contract {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Partitions : public StoreContract {
 protected:
  void SetUp() override { start(3); }
};
TPS_ON_EVERY_STORE(Partitions);

TEST_P(Partitions, CountTheirIdsByThemselves) {
  EXPECT_EQ(add(*store_, in(2, deposit("c"))).id, domain::id_before_first(2) + 1);
  EXPECT_EQ(add(*store_, in(0, deposit("a"))).id, 1);
  EXPECT_EQ(add(*store_, in(2, deposit("c"))).id, domain::id_before_first(2) + 2);
  EXPECT_EQ(found(*store_, domain::id_before_first(2) + 2).partition, 2);
  EXPECT_EQ(submit(*store_, {in(3, deposit("d"))})[0].acceptance, Acceptance::unavailable);
  EXPECT_FALSE(store_->next(3, 10, soon()));
}

TEST_P(Partitions, AreListedTogether) {
  const std::int64_t c = add(*store_, in(2, deposit("c"))).id;
  const std::int64_t b = add(*store_, in(1, deposit("b"))).id;
  const std::int64_t a = add(*store_, in(0, deposit("a"))).id;
  EXPECT_THAT(ids_of(listed(*store_, {}).transactions), ElementsAre(c, b, a));
  EXPECT_THAT(ids_of(listed(*store_, {.order = Order::oldest_first}).transactions), ElementsAre(a, b, c));
  EXPECT_THAT(ids_of(listed(*store_, {.user_id = "b"}).transactions), ElementsAre(b));
  EXPECT_THAT(ids_of(listed(*store_, {.after = c}).transactions), ElementsAre(b, a));
  EXPECT_THAT(ids_of(listed(*store_, {.created_from = kNow, .limit = 2}).transactions), ElementsAre(c, b));
}

TEST_P(Partitions, SettleByThemselves) {
  add(*store_, in(1, deposit("b", 50)));
  add(*store_, in(2, deposit("c")));
  settle(*store_, 1);
  EXPECT_EQ(balances_of(*store_, "b", 1)[0].posted, 50);
  EXPECT_EQ(balances_of(*store_, "c", 2)[0].posted, 0);
  EXPECT_EQ(store_->backlog(1, soon())->pending, 0);
  EXPECT_EQ(store_->backlog(2, soon())->pending, 1);
  EXPECT_THAT((*store_->next(0, 10, soon()))->transactions, IsEmpty());
}

// If two sessions are the first to use a currency at the same time, the store records both transactions.
TEST_P(Partitions, RecordTheSameCurrencyAtTheSameTime) {
  std::vector<std::string> codes;
  for (const domain::Currency& currency : currencies_.all()) codes.push_back(currency.code);
  codes.resize(50);
  std::barrier start(2);
  const auto use_all = [&](std::uint32_t partition) {
    const auto store = session();
    for (const std::string& code : codes) {
      start.arrive_and_wait();
      const auto flight = submit(*store, {in(partition, deposit("u" + std::to_string(partition), 1, code))});
      EXPECT_EQ(flight[0].acceptance, Acceptance::accepted) << code;
    }
  };
  std::thread other(use_all, 1);
  use_all(2);
  other.join();
}

TEST_P(Partitions, TransferToEachOther) {
  add(*store_, in(1, deposit("b", 50)));
  settle(*store_, 1);
  Transaction across = in(1, transfer("b", "c", 20));
  across.to_partition = 2;
  add(*store_, across);
  EXPECT_EQ(balances_of(*store_, "c", 2)[0].pending, 20);
  EXPECT_EQ(balances_of(*store_, "b", 1)[0].pending, -20);
  settle(*store_, 1);
  EXPECT_EQ(balances_of(*store_, "c", 2)[0].posted, 20);
  EXPECT_EQ(balances_of(*store_, "c", 2)[0].pending, 0);
  EXPECT_EQ(balances_of(*store_, "b", 1)[0].posted, 30);
}

}  // namespace
}  // namespace tps::contract
