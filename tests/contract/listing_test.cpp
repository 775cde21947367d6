// Store::list: filters, pages that stay put while rows are inserted, and the change feed.
#include <gmock/gmock.h>

#include "contract/fixture.hpp"

namespace tps::contract {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Listing : public StoreContract {
 protected:
  std::vector<std::int64_t> ids(const ListQuery& query) { return ids_of(listed(*store_, query).transactions); }

  // Every page of a query, newest first; each but the last must have a cursor.
  std::vector<std::int64_t> walk(ListQuery query, std::size_t most_pages = 1'000) {
    std::vector<std::int64_t> all;
    for (std::size_t page_number = 0; page_number < most_pages; ++page_number) {
      const ListPage page = listed(*store_, query);
      EXPECT_LE(page.transactions.size(), query.limit);
      for (const Transaction& transaction : page.transactions) all.push_back(transaction.id);
      if (!page.next_after) return all;
      query.after = page.next_after;
    }
    ADD_FAILURE() << "no end";
    return all;
  }
};
TPS_ON_EVERY_STORE(Listing);

TEST_P(Listing, IsEmptyAtFirst) {
  const ListPage page = listed(*store_, {});
  EXPECT_THAT(page.transactions, IsEmpty());
  EXPECT_EQ(page.next_after, std::nullopt);
  EXPECT_THAT(ids({.user_id = "nobody"}), IsEmpty());
}

TEST_P(Listing, GivesTheNewestFirst) {
  submit(*store_, {deposit("a"), deposit("b"), deposit("a")});
  EXPECT_THAT(ids({}), ElementsAre(3, 2, 1));
  EXPECT_THAT(ids({.order = Order::oldest_first}), ElementsAre(1, 2, 3));
}

TEST_P(Listing, GivesWholeTransactions) {
  const Transaction stored = add(*store_, with_key(with_reference(deposit("a", 5), "r"), 3));
  EXPECT_EQ(listed(*store_, {}).transactions[0], stored);
}

TEST_P(Listing, FiltersByEveryMember) {
  Transaction child = deposit("c");
  child.parent_id = 1;
  submit(*store_, {deposit("a", 100), with_reference(deposit("a", 1, "JPY"), "r"), withdrawal("b", 9)}, {}, kNow);
  submit(*store_, {transfer("a", "b", 1), child, with_reference(deposit("b"), "r")}, {}, kNow + seconds(10));
  settle(*store_, 0, 4, kNow);

  EXPECT_THAT(ids({.user_id = "a"}), ElementsAre(4, 2, 1));
  EXPECT_THAT(ids({.user_id = "b"}), ElementsAre(6, 3)) << "the payer's, not the receiver's";
  EXPECT_THAT(ids({.status = Status::pending}), ElementsAre(6, 5));
  EXPECT_THAT(ids({.status = Status::settled}), ElementsAre(4, 2, 1));
  EXPECT_THAT(ids({.status = Status::failed}), ElementsAre(3));
  EXPECT_THAT(ids({.status = Status::voided}), IsEmpty());
  EXPECT_THAT(ids({.type = Type::transfer}), ElementsAre(4));
  EXPECT_THAT(ids({.type = Type::reversal}), IsEmpty());
  EXPECT_THAT(ids({.currency = "JPY"}), ElementsAre(2));
  EXPECT_THAT(ids({.reference = "r"}), ElementsAre(6, 2));
  EXPECT_THAT(ids({.user_id = "a", .reference = "r"}), ElementsAre(2));
  EXPECT_THAT(ids({.parent_id = 1}), ElementsAre(5));
  EXPECT_THAT(ids({.parent_id = 2}), IsEmpty());
  EXPECT_THAT(ids({.created_from = kNow + seconds(10)}), ElementsAre(6, 5, 4)) << "inclusive";
  EXPECT_THAT(ids({.created_to = kNow + seconds(10)}), ElementsAre(3, 2, 1)) << "exclusive";
  EXPECT_THAT(ids({.created_from = kNow + seconds(11)}), IsEmpty());
  EXPECT_THAT(ids({.created_to = kNow}), IsEmpty());
  EXPECT_THAT(ids({.created_from = kNow + seconds(1), .created_to = kNow + seconds(2)}), IsEmpty());
  EXPECT_THAT(ids({.created_from = kNow + seconds(2), .created_to = kNow + seconds(1)}), IsEmpty());
}

TEST_P(Listing, HoldsAllFiltersAtOnce) {
  submit(*store_, {deposit("a", 1, "USD"), deposit("a", 1, "EUR"), withdrawal("a", 1, "USD"), deposit("b", 1, "USD")});
  settle(*store_);
  EXPECT_THAT(ids({.user_id = "a",
                   .status = Status::settled,
                   .type = Type::deposit,
                   .currency = "USD",
                   .created_from = kNow,
                   .created_to = kNow + seconds(1)}),
              ElementsAre(1));
  EXPECT_THAT(ids({.user_id = "a", .reference = "r", .parent_id = 1}), IsEmpty());
}

TEST_P(Listing, PagesWithoutGapsOrRepeats) {
  std::vector<Transaction> many;
  many.reserve(25);
  for (int i = 0; i < 25; ++i) many.push_back(deposit(i % 2 == 0 ? "a" : "b"));
  submit(*store_, many);
  for (const std::size_t limit : {1U, 2U, 5U, 12U, 13U, 24U, 25U, 26U, 1'000U}) {
    EXPECT_EQ(walk({.limit = limit}).size(), 25) << limit;
    EXPECT_EQ(walk({.user_id = "a", .limit = limit}).size(), 13) << limit;
  }
  EXPECT_EQ(listed(*store_, {.limit = 25}).next_after, std::nullopt) << "nothing more";
  EXPECT_EQ(listed(*store_, {.limit = 24}).next_after, 2);
}

TEST_P(Listing, KeepsItsPagesWhileRowsAreInserted) {
  std::vector<Transaction> many(10, deposit("a"));
  submit(*store_, many);
  std::vector<std::int64_t> seen;
  ListQuery query{.limit = 3};
  do {
    const ListPage page = listed(*store_, query);
    for (const Transaction& transaction : page.transactions) seen.push_back(transaction.id);
    submit(*store_, many);
    query.after = page.next_after;
  } while (query.after);
  EXPECT_THAT(seen, ElementsAre(10, 9, 8, 7, 6, 5, 4, 3, 2, 1));
}

TEST_P(Listing, StartsWhereTheCursorSays) {
  submit(*store_, std::vector<Transaction>(5, deposit("a")));
  EXPECT_THAT(ids({.after = 3}), ElementsAre(2, 1));
  EXPECT_THAT(ids({.order = Order::oldest_first, .positions = {3}}), ElementsAre(4, 5));
  EXPECT_THAT(ids({.after = 1}), IsEmpty());
  EXPECT_THAT(ids({.after = 0}), IsEmpty());
  EXPECT_THAT(ids({.after = 1'000}), ElementsAre(5, 4, 3, 2, 1));
  EXPECT_THAT(ids({.order = Order::oldest_first, .positions = {1'000}}), IsEmpty());
}

TEST_P(Listing, FeedsChangesFromWhereTheReaderWas) {
  ListPage page = listed(*store_, {.order = Order::oldest_first});
  EXPECT_THAT(page.transactions, IsEmpty());
  EXPECT_THAT(page.next_positions, ElementsAre(0)) << "there may always be more later";
  submit(*store_, {deposit("a"), deposit("b"), deposit("c")});
  page = listed(*store_, {.order = Order::oldest_first, .positions = page.next_positions, .limit = 2});
  EXPECT_THAT(ids_of(page.transactions), ElementsAre(1, 2));
  EXPECT_THAT(page.next_positions, ElementsAre(2));
  page = listed(*store_, {.order = Order::oldest_first, .positions = page.next_positions, .limit = 2});
  EXPECT_THAT(ids_of(page.transactions), ElementsAre(3));
  EXPECT_THAT(page.next_positions, ElementsAre(3));
  page = listed(*store_, {.order = Order::oldest_first, .positions = page.next_positions, .limit = 2});
  EXPECT_THAT(page.transactions, IsEmpty());
  EXPECT_THAT(page.next_positions, ElementsAre(3));
}

// 12,000 rows, of which the very first and the very last match: no page may read more than 10,000 of them.
TEST_P(Listing, ReadsAtMostTenThousandRowsForAPage) {
  add(*store_, with_reference(deposit("rare", 1, "JPY"), "r"));
  for (int i = 0; i < 6; ++i) submit(*store_, std::vector<Transaction>(2'000, deposit("a")));
  const std::int64_t last = add(*store_, with_reference(deposit("rare2", 1, "JPY"), "r")).id;

  for (const ListQuery& query : {ListQuery{.currency = "JPY"}, ListQuery{.reference = "r"}}) {
    const ListPage page = listed(*store_, query);
    EXPECT_THAT(ids_of(page.transactions), ElementsAre(last));
    EXPECT_EQ(page.next_after, last - 9'999);
    EXPECT_THAT(walk(query), ElementsAre(last, 1));
  }
  const ListPage feed = listed(*store_, {.currency = "JPY", .order = Order::oldest_first});
  EXPECT_THAT(ids_of(feed.transactions), ElementsAre(1));
  EXPECT_THAT(feed.next_positions, ElementsAre(10'000));
  EXPECT_THAT(ids({.user_id = "rare"}), ElementsAre(1)) << "a user's rows are found by index";
}

}  // namespace
}  // namespace tps::contract
