#include "service/local_cache.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace tps::service {
namespace {

const ports::History kHistory;  // nothing ever changes

LocalCache::Entry entry(std::int64_t id) {
  domain::Transaction transaction;
  transaction.id = id;
  transaction.status = domain::Status::settled;
  return std::make_shared<const domain::Transaction>(transaction);
}

TEST(LocalCache, GivesWhatWasPut) {
  LocalCache cache(100, kHistory);
  EXPECT_EQ(cache.get(1), nullptr);
  cache.put(entry(1), 0);
  ASSERT_NE(cache.get(1), nullptr);
  EXPECT_EQ(cache.get(1)->id, 1);
}

TEST(LocalCache, TheLeastRecentlyUsedGoesFirst) {
  LocalCache cache(32, kHistory);  // two in each of 16 shards
  cache.put(entry(16), 0);
  cache.put(entry(32), 0);
  EXPECT_NE(cache.get(16), nullptr);
  cache.put(entry(48), 0);
  EXPECT_NE(cache.get(16), nullptr);
  EXPECT_EQ(cache.get(32), nullptr);
  EXPECT_NE(cache.get(48), nullptr);
}

TEST(LocalCache, HoldsNoMoreThanItsCapacity) {
  LocalCache cache(160, kHistory);
  for (std::int64_t id = 1; id <= 10'000; ++id) cache.put(entry(id), 0);
  std::size_t held = 0;
  for (std::int64_t id = 1; id <= 10'000; ++id) held += cache.get(id) ? 1 : 0;
  EXPECT_EQ(held, 160U);
}

TEST(LocalCache, CapacityZeroHoldsNothing) {
  LocalCache cache(0, kHistory);
  cache.put(entry(1), 0);
  EXPECT_EQ(cache.get(1), nullptr);
}

TEST(LocalCache, DoesNotKeepWhatIsHuge) {
  LocalCache cache(100, kHistory);
  domain::Transaction huge = *entry(1);
  huge.metadata = std::string(3'000, 'x');
  cache.put(std::make_shared<const domain::Transaction>(huge), 0);
  EXPECT_EQ(cache.get(1), nullptr);
}

TEST(LocalCache, IsEmptyInTheNextGeneration) {
  ports::History history;
  LocalCache cache(100, history);
  cache.put(entry(1), 0);
  ASSERT_NE(cache.get(1), nullptr);
  history.lost();
  EXPECT_EQ(cache.get(1), nullptr);
  cache.put(entry(2), 0);  // was asked for before
  EXPECT_EQ(cache.get(2), nullptr);
  cache.put(entry(2), 1);
  EXPECT_NE(cache.get(2), nullptr);
}

TEST(LocalCache, ManyThreadsSeeOnlyWholeEntries) {
  LocalCache cache(64, kHistory);
  std::vector<std::thread> threads(4);
  for (std::thread& thread : threads) {
    thread = std::thread([&cache] {
      for (std::int64_t id = 1; id <= 5'000; ++id) {
        cache.put(entry(id), 0);
        const auto found = cache.get(id - id % 7);
        if (found) {
          EXPECT_EQ(found->id, id - id % 7);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace tps::service
