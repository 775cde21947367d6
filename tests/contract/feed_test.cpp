// The change feed of a store with several partitions: each transaction once, in order, and no partition waits for
// another.
#include <gmock/gmock.h>

#include "contract/fixture.hpp"

namespace tps::contract {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint32_t kPartitions = 4;

class Feed : public StoreContract {
 protected:
  void SetUp() override { start(kPartitions); }

  void fill(std::uint32_t partition, std::size_t count, Timestamp now = kNow) {
    submit(*store_, std::vector<Transaction>(count, in(partition, deposit("user" + std::to_string(partition)))), {},
           now);
  }

  // Everything from `query.positions` on, by partition, in the order in which it came.
  std::map<std::uint32_t, std::vector<std::int64_t>> walk(ListQuery query) {
    query.order = Order::oldest_first;
    std::map<std::uint32_t, std::vector<std::int64_t>> seen;
    for (int pages = 0; pages < 1'000; ++pages) {
      const ListPage page = listed(*store_, query);
      EXPECT_LE(page.transactions.size(), query.limit);
      EXPECT_EQ(page.next_positions.size(), kPartitions);
      for (const Transaction& transaction : page.transactions) seen[transaction.partition].push_back(transaction.id);
      if (page.transactions.empty() && page.next_positions == query.positions) return seen;
      query.positions = page.next_positions;
    }
    ADD_FAILURE() << "no end";
    return seen;
  }
  static std::vector<std::int64_t> ids(std::uint32_t partition, std::int64_t first, std::int64_t last) {
    std::vector<std::int64_t> all;
    for (std::int64_t i = first; i <= last; ++i) all.push_back(domain::id_before_first(partition) + i);
    return all;
  }
};
TPS_ON_EVERY_STORE(Feed);

TEST_P(Feed, StartsEmptyWithAPositionForEachPartition) {
  const ListPage page = listed(*store_, {.order = Order::oldest_first});
  EXPECT_THAT(page.transactions, IsEmpty());
  ASSERT_EQ(page.next_positions.size(), kPartitions);
  for (std::uint32_t partition = 0; partition < kPartitions; ++partition) {
    EXPECT_EQ(page.next_positions[partition], domain::id_before_first(partition));
  }
}

TEST_P(Feed, KnowsAPositionBeyondALog) {
  fill(1, 5);
  const std::int64_t end = domain::id_before_first(1) + 5;
  const auto beyond = [&](const ports::Positions& positions) {
    return listed(*store_, {.order = Order::oldest_first, .positions = positions}).beyond_log;
  };
  EXPECT_FALSE(beyond({}));
  EXPECT_FALSE(beyond({0, end}));
  EXPECT_TRUE(beyond({0, end + 1}));
  EXPECT_TRUE(beyond({1, end})) << "one log is enough, also an empty one";
  const auto page = store_->read({0, end + 1}, 10, soon());
  ASSERT_TRUE(page.has_value());
  EXPECT_TRUE(page->beyond_log && page->transactions.empty());
}

TEST_P(Feed, GivesEverythingOnceAndInOrder) {
  const std::array<std::size_t, kPartitions> sizes{57, 0, 3, 20};
  for (std::uint32_t partition = 0; partition < kPartitions; ++partition) {
    if (sizes.at(partition) > 0) fill(partition, sizes.at(partition), kNow + seconds(partition));
  }
  for (const std::size_t limit : {1U, 2U, 3U, 4U, 7U, 80U, 81U, 1'000U}) {
    const auto seen = walk({.limit = limit});
    for (std::uint32_t partition = 0; partition < kPartitions; ++partition) {
      const auto expected = ids(partition, 1, static_cast<std::int64_t>(sizes.at(partition)));
      EXPECT_EQ(seen.contains(partition) ? seen.at(partition) : std::vector<std::int64_t>{}, expected) << limit;
    }
  }
}

TEST_P(Feed, GoesOnFromEachPosition) {
  for (const std::uint32_t partition : {0U, 1U, 2U}) fill(partition, 5);
  const auto seen = walk({.positions = {3, domain::id_before_first(1) + 5}, .limit = 4});
  EXPECT_EQ(seen.at(0), ids(0, 4, 5));
  EXPECT_FALSE(seen.contains(1));
  EXPECT_EQ(seen.at(2), ids(2, 1, 5)) << "what is missing is the start";
}

TEST_P(Feed, FillsAPageWithWhatOthersDoNotUse) {
  fill(0, 50);
  fill(3, 2);
  const ListPage page = listed(*store_, {.order = Order::oldest_first, .limit = 20});
  EXPECT_EQ(page.transactions.size(), 20);
  EXPECT_EQ(page.next_positions[0], 18);
  EXPECT_EQ(page.next_positions[3], domain::id_before_first(3) + 2);
}

TEST_P(Feed, GivesEachPartitionItsShareOfAPage) {
  for (const std::uint32_t partition : {0U, 1U, 2U, 3U}) fill(partition, 50);
  const ListPage page = listed(*store_, {.order = Order::oldest_first, .limit = 20});
  for (std::uint32_t partition = 0; partition < kPartitions; ++partition) {
    EXPECT_EQ(page.next_positions[partition], domain::id_before_first(partition) + 5);
  }
}

// One partition gets more between two pages than a page can hold.
TEST_P(Feed, LetsNoBusyPartitionKeepOthersFromBeingRead) {
  for (const std::size_t limit : {1U, 3U, 8U}) {
    SCOPED_TRACE(limit);
    ListQuery query{.order = Order::oldest_first, .limit = limit};
    query.positions = listed(*store_, query).next_positions;
    while (!listed(*store_, query).transactions.empty()) query.positions = listed(*store_, query).next_positions;
    const std::vector<std::int64_t> before = query.positions;
    Timestamp now = kNow + std::chrono::hours(static_cast<int>(limit));
    fill(0, 2 * limit, now);
    for (const std::uint32_t partition : {1U, 2U, 3U}) fill(partition, 2, now);
    for (int pages = 0; pages < 40; ++pages) {
      now += seconds(1);
      fill(0, 2 * limit, now);
      query.positions = listed(*store_, query).next_positions;
    }
    for (const std::uint32_t partition : {1U, 2U, 3U}) EXPECT_EQ(query.positions[partition], before[partition] + 2);
    EXPECT_GT(query.positions[0], before[0]);
  }
}

TEST_P(Feed, FiltersInEveryPartition) {
  for (const std::uint32_t partition : {0U, 1U, 2U, 3U}) {
    submit(*store_, {in(partition, deposit("u" + std::to_string(partition))),
                     in(partition, deposit("u" + std::to_string(partition), 5, "JPY")),
                     in(partition, deposit("u" + std::to_string(partition)))});
  }
  settle(*store_, 2);
  auto seen = walk({.currency = "JPY", .limit = 2});
  for (std::uint32_t partition = 0; partition < kPartitions; ++partition) {
    EXPECT_EQ(seen[partition], ids(partition, 2, 2));
  }
  seen = walk({.status = Status::settled, .limit = 2});
  EXPECT_EQ(seen.size(), 1);
  EXPECT_EQ(seen[2], ids(2, 1, 3));
  seen = walk({.user_id = "u1", .limit = 2});
  EXPECT_EQ(seen.size(), 1);
  EXPECT_EQ(seen[1], ids(1, 1, 3));
  const ListPage page = listed(*store_, {.currency = "EUR", .order = Order::oldest_first});
  for (std::uint32_t partition = 0; partition < kPartitions; ++partition) {
    EXPECT_EQ(page.next_positions[partition], domain::id_before_first(partition) + 3) << "looked at";
  }
}

// 12,000 rows that do not match in one partition, and one that does in another.
TEST_P(Feed, SharesTheRowsThatAPageMayRead) {
  for (int i = 0; i < 6; ++i) fill(0, 2'000);
  add(*store_, in(3, deposit("rare", 5, "JPY")));
  const ListPage page = listed(*store_, {.currency = "JPY", .order = Order::oldest_first});
  EXPECT_THAT(ids_of(page.transactions), ElementsAre(domain::id_before_first(3) + 1));
  EXPECT_EQ(page.next_positions[0], 9'999);
}

}  // namespace
}  // namespace tps::contract
