#include "ports/history.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tps::ports {
namespace {

using Change = History::Change;

StoreIdentity store(const std::string& epoch, const std::string& run = "r1", const std::string& id = "s1") {
  StoreIdentity identity;
  identity.store_id = id;
  identity.epoch = epoch;
  identity.run = run;
  return identity;
}

domain::Timestamp at(std::int64_t microseconds) { return domain::Timestamp{std::chrono::microseconds{microseconds}}; }

class HistoryTest : public ::testing::Test {
 protected:
  HistoryTest() {
    history_.set_listener([this](Change change) { told_.push_back(change); });
  }
  Change find(const StoreIdentity& identity) { return history_.found(identity).change; }

  History history_;
  std::vector<Change> told_;
};

TEST_F(HistoryTest, AGenerationBeginsWithEachChange) {
  EXPECT_EQ(history_.generation(), 0U);
  EXPECT_EQ(find(store("e1")), Change::first);
  EXPECT_EQ(find(store("e1")), Change::none);
  EXPECT_EQ(history_.generation(), 1U);
  EXPECT_EQ(find(store("e1", "r2")), Change::restarted);
  EXPECT_EQ(find(store("e2", "r2")), Change::changed);
  EXPECT_EQ(find(store("e1", "r1")), Change::changed) << "swapped back";
  EXPECT_EQ(history_.generation(), 4U);
  EXPECT_EQ(told_, (std::vector{Change::restarted, Change::changed, Change::changed}));
}

TEST_F(HistoryTest, AnotherStoreIsNotServed) {
  find(store("e1"));
  EXPECT_EQ(find(store("e9", "r1", "s2")), Change::another_store);
  EXPECT_EQ(find(store("e9", "r1", "s2")), Change::another_store);
  EXPECT_EQ(history_.generation(), 2U) << "once";
  EXPECT_EQ(history_.now().lineage, "") << "no entry of a cache is used";
  EXPECT_EQ(find(store("e1")), Change::restarted) << "it is back";
  EXPECT_EQ(history_.generation(), 3U);
  EXPECT_EQ(told_, (std::vector{Change::another_store, Change::restarted}));
}

TEST_F(HistoryTest, CursorsLastAsLongAsTheEpochAndCachesAsTheRun) {
  find(store("e1"));
  const History::Now first = history_.now();
  EXPECT_NE(first.epoch, 0U);
  EXPECT_EQ(first.lineage.size(), 16U);
  find(store("e1", "r2"));
  EXPECT_EQ(history_.now().epoch, first.epoch);
  EXPECT_NE(history_.now().lineage, first.lineage);
  find(store("e2", "r2"));
  EXPECT_NE(history_.now().epoch, first.epoch);
  find(store("e1"));
  EXPECT_EQ(history_.now().epoch, first.epoch);
  EXPECT_EQ(history_.now().lineage, first.lineage);
}

TEST_F(HistoryTest, ALogThatEndsBeforeWhatWasSeenLacksIt) {
  find(store("e1"));
  EXPECT_FALSE(history_.lacks({0, 0, {}}));
  history_.saw({0, 10, at(100)}, history_.generation());
  history_.saw({0, 9, at(90)}, history_.generation());
  EXPECT_TRUE(history_.lacks({0, 9, at(90)}));
  EXPECT_TRUE(history_.lacks({0, 10, at(101)})) << "another one has the id";
  EXPECT_FALSE(history_.lacks({0, 10, at(100)}));
  EXPECT_FALSE(history_.lacks({0, 11, at(100)}));
  EXPECT_FALSE(history_.lacks({1, 1, at(1)})) << "another partition";
  ASSERT_EQ(history_.seen().size(), 1U);
  EXPECT_EQ(history_.seen().front().id, 10);
}

TEST_F(HistoryTest, WhatWasSeenBelongsToItsEpoch) {
  find(store("e1"));
  const std::uint64_t generation = history_.generation();
  history_.saw({0, 10, at(100)}, generation);
  find(store("e1", "r2"));
  EXPECT_TRUE(history_.lacks({0, 9, at(90)})) << "a start of the server changes nothing";
  find(store("e2", "r2"));
  EXPECT_FALSE(history_.lacks({0, 9, at(90)}));
  history_.saw({0, 10, at(100)}, generation);  // by a session that still was at the old one
  EXPECT_FALSE(history_.lacks({0, 9, at(90)}));
}

TEST_F(HistoryTest, ALossMakesEverySessionLookAgain) {
  find(store("e1"));
  history_.saw({0, 10, at(100)}, 1);
  history_.lost();
  EXPECT_EQ(history_.generation(), 2U);
  EXPECT_TRUE(history_.lacks({0, 9, at(90)})) << "the store is asked about it";
  EXPECT_EQ(history_.now().lineage, "");
  EXPECT_EQ(find(store("e1")), Change::none);
  EXPECT_NE(history_.now().lineage, "");
}

}  // namespace
}  // namespace tps::ports
