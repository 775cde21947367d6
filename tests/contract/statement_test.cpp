// Store::statement and Store::balances_at, against a fold over the settlements.
#include <gmock/gmock.h>

#include "contract/fixture.hpp"
#include "contract/history.hpp"
#include "ports/store.hpp"

namespace tps::contract {
namespace {

using domain::AccountKey;
using ports::Statement;
using ports::StatementQuery;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Entries = std::vector<History::Entry>;

class Statements : public StoreContract {
 protected:
  Statement statement(const StatementQuery& query) {
    const auto answer = store_->statement(query, soon());
    EXPECT_TRUE(answer) << answer.error().detail;
    return answer ? *answer : Statement{};
  }
  static StatementQuery of(const AccountKey& key) {
    return {.partition = key.partition, .user_id = key.user_id, .currency = key.currency};
  }
  std::vector<std::int64_t> versions(const StatementQuery& query) {
    std::vector<std::int64_t> result;
    for (const auto& entry : statement(query).entries) result.push_back(entry.version);
    return result;
  }

  // Every page of a query; each shows the same opening and closing balance.
  Statement walk(StatementQuery query) {
    Statement all = statement(query);
    std::optional<std::int64_t> next = all.next_after;
    while (next) {
      query.after = next;
      const Statement page = statement(query);
      EXPECT_LE(page.entries.size(), query.limit);
      EXPECT_FALSE(page.entries.empty()) << "there was said to be more";
      EXPECT_EQ(page.opening_minor, all.opening_minor);
      EXPECT_EQ(page.closing_minor, all.closing_minor);
      if (page.entries.empty()) break;
      EXPECT_TRUE(!page.next_after || page.next_after == page.entries.back().version);
      all.entries.insert(all.entries.end(), page.entries.begin(), page.entries.end());
      next = page.next_after;
    }
    return all;
  }

  void expect_entries(const Statement& actual, std::span<const History::Entry> expected) {
    ASSERT_EQ(actual.entries.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const ports::StatementEntry& entry = actual.entries[i];
      EXPECT_EQ(entry.version, expected[i].version);
      EXPECT_EQ(entry.transaction.id, expected[i].transaction_id);
      EXPECT_EQ(entry.incoming, expected[i].incoming);
      EXPECT_EQ(entry.change_minor, expected[i].change_minor) << entry.transaction.id;
      EXPECT_EQ(entry.posted_after, expected[i].posted_after);
      EXPECT_EQ(entry.settled_at, expected[i].settled_at);
      EXPECT_EQ(entry.transaction, found(*store_, entry.transaction.id));
    }
  }

  // The whole range and many parts of it, in pages of several sizes.
  void expect_agreement(const AccountKey& key, const Entries& entries) {
    for (const std::size_t limit : {1U, 3U, 1'000U}) {
      StatementQuery query = of(key);
      query.limit = limit;
      const Statement whole = walk(query);
      EXPECT_EQ(whole.opening_minor, 0);
      EXPECT_EQ(whole.closing_minor, entries.back().posted_after);
      expect_entries(whole, entries);
    }
    const Timestamp first = entries.front().settled_at - seconds(1);
    const Timestamp last = entries.back().settled_at + seconds(2);
    for (Timestamp from = first; from < last; from += (last - first) / 9) {
      for (Timestamp to = from; to < last; to += (last - first) / 7) {
        StatementQuery query = of(key);
        query.from = from;
        query.to = to;
        query.limit = 7;
        const auto begin = std::ranges::find_if(entries, [&](const auto& entry) { return entry.settled_at >= from; });
        const auto end = std::ranges::find_if(entries, [&](const auto& entry) { return entry.settled_at >= to; });
        const auto posted_before = [&](auto place) {
          return place == entries.begin() ? 0 : std::prev(place)->posted_after;
        };
        const Statement part = walk(query);
        EXPECT_EQ(part.opening_minor, posted_before(begin));
        EXPECT_EQ(part.closing_minor, posted_before(end));
        expect_entries(part, {begin, end});
      }
    }
  }

  void expect_balances_at(const std::map<AccountKey, Entries>& accounts, Timestamp at) {
    std::map<std::pair<std::uint32_t, std::string>, std::vector<ports::Balance>> expected;
    for (const auto& [key, entries] : accounts) {
      const auto end = std::ranges::find_if(entries, [&](const auto& entry) { return entry.settled_at > at; });
      auto& balances = expected[{key.partition, key.user_id}];
      if (end == entries.begin()) continue;
      const History::Entry& last = *std::prev(end);
      balances.push_back({.currency = key.currency,
                          .posted = last.posted_after,
                          .held = last.held_after,
                          .available = last.posted_after - last.held_after,
                          .version = last.version});
    }
    for (const auto& [user, balances] : expected) {
      const auto actual = store_->balances_at(user.first, user.second, at, soon());
      ASSERT_TRUE(actual) << actual.error().detail;
      ASSERT_EQ(actual->size(), balances.size()) << user.second;
      for (std::size_t i = 0; i < balances.size(); ++i) {
        EXPECT_EQ((*actual)[i].currency, balances[i].currency);
        EXPECT_EQ((*actual)[i].posted, balances[i].posted) << user.second;
        EXPECT_EQ((*actual)[i].held, balances[i].held) << user.second;
        EXPECT_EQ((*actual)[i].available, balances[i].available) << user.second;
        EXPECT_EQ((*actual)[i].version, balances[i].version) << user.second;
      }
    }
  }
};
TPS_ON_EVERY_STORE(Statements);

TEST_P(Statements, AreEmptyWithoutAnAccount) {
  for (const StatementQuery& query :
       {StatementQuery{.user_id = "nobody", .currency = "USD"},
        StatementQuery{.user_id = "nobody", .currency = "USD", .from = kNow, .to = kNow, .after = 3}}) {
    const Statement none = statement(query);
    EXPECT_THAT(none.entries, IsEmpty());
    EXPECT_EQ(none.opening_minor, 0);
    EXPECT_EQ(none.closing_minor, 0);
    EXPECT_EQ(none.next_after, std::nullopt);
  }
  add(*store_, deposit("a", 5));
  EXPECT_THAT(versions({.user_id = "a", .currency = "USD"}), IsEmpty()) << "nothing is settled yet";
  EXPECT_THAT(*store_->balances_at(0, "a", kNow, soon()), IsEmpty());
}

TEST_P(Statements, ShowWhatEachEntryChanged) {
  const auto done = [&](const Transaction& instruction) {
    const Transaction accepted = add(*store_, instruction);
    settle(*store_);
    return found(*store_, accepted.id);
  };
  const Transaction deposited = done(deposit("a", 1'000));
  done(withdrawal("a", 5'000));  // fails
  done(withdrawal("a", 50));
  const Transaction sent = done(transfer("a", "b", 200));
  done(transfer("b", "a", 30));
  const Transaction hold = done(held(transfer("a", "b", 100)));
  const Transaction capture = done(child(Type::capture, hold, 60));
  const Transaction other = done(held(withdrawal("a", 10)));
  done(child(Type::void_, other));
  done(account_update("a", 500));
  done(child(Type::reversal, sent, 20));
  done(child(Type::reversal, deposited, 5));
  done(child(Type::reversal, capture, 60));

  std::vector<std::int64_t> changes;
  for (const auto& entry : statement({.user_id = "a", .currency = "USD"}).entries) {
    changes.push_back(entry.change_minor);
  }
  EXPECT_THAT(changes, ElementsAre(1'000, -50, -200, 30, 0, -60, 0, 0, 0, 20, -5, 60));
  const Statement of_b = statement({.user_id = "b", .currency = "USD"});
  changes.clear();
  std::vector<bool> incoming;
  for (const auto& entry : of_b.entries) {
    changes.push_back(entry.change_minor);
    incoming.push_back(entry.incoming);
  }
  EXPECT_THAT(changes, ElementsAre(200, -30, 60, -20, -60));
  EXPECT_THAT(incoming, ElementsAre(true, false, true, true, true));
  EXPECT_EQ(of_b.entries[2].transaction, capture);
  EXPECT_EQ(of_b.closing_minor, 150);
}

TEST_P(Statements, GoOnAfterAnyVersion) {
  for (int i = 0; i < 5; ++i) submit(*store_, {deposit("a", 1), withdrawal("a", 500), deposit("a", 1, "EUR")});
  settle(*store_);
  EXPECT_THAT(versions({.user_id = "a", .currency = "USD", .after = 0}), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(versions({.user_id = "a", .currency = "USD", .after = 2, .limit = 2}), ElementsAre(3, 4));
  EXPECT_THAT(versions({.user_id = "a", .currency = "USD", .after = 5}), IsEmpty());
  EXPECT_THAT(versions({.user_id = "a", .currency = "USD", .after = 500}), IsEmpty());
  EXPECT_EQ(statement({.user_id = "a", .currency = "USD", .after = 2, .limit = 2}).next_after, 4);
  EXPECT_EQ(statement({.user_id = "a", .currency = "USD", .after = 2, .limit = 3}).next_after, std::nullopt);
  EXPECT_EQ(statement({.user_id = "a", .currency = "USD", .limit = 5}).next_after, std::nullopt);
}

TEST_P(Statements, AreCutByTheTimeOfSettlement) {
  for (int i = 0; i < 4; ++i) {
    add(*store_, deposit("a", 10), kNow);
    settle(*store_, 0, 10, kNow + seconds(10 * i));
  }
  StatementQuery query{.user_id = "a", .currency = "USD", .from = kNow + seconds(10), .to = kNow + seconds(30)};
  const Statement middle = statement(query);
  EXPECT_THAT(versions(query), ElementsAre(2, 3)) << "from is inclusive, to is not";
  EXPECT_EQ(middle.opening_minor, 10);
  EXPECT_EQ(middle.closing_minor, 30);
  query.limit = 1;
  query.after = 2;
  EXPECT_THAT(versions(query), ElementsAre(3)) << "a later page has the balances of the whole range";
  EXPECT_EQ(statement(query).opening_minor, 10);
  EXPECT_EQ(statement(query).closing_minor, 30);

  for (const auto& [from, to] : {std::pair{11, 20}, std::pair{11, 11}, std::pair{20, 5}}) {
    query = {.user_id = "a", .currency = "USD", .from = kNow + seconds(from), .to = kNow + seconds(to)};
    const Statement empty = statement(query);
    EXPECT_THAT(empty.entries, IsEmpty()) << from;
    EXPECT_EQ(empty.opening_minor, 20) << from;
    EXPECT_EQ(empty.closing_minor, 20) << from;
  }
}

// Failed transactions touch no version, and there may be any number of them between two entries.
TEST_P(Statements, PassOverLongRunsOfFailures) {
  for (int i = 0; i < 3; ++i) {
    add(*store_, deposit("a", 10), kNow + seconds(i));
    submit(*store_, std::vector<Transaction>(700, withdrawal("a", 1'000)), {}, kNow + seconds(i));
    add(*store_, transfer("b", "a", 1'000), kNow + seconds(i));
    settle(*store_, 0, 10'000, kNow + seconds(i));
  }
  EXPECT_THAT(versions({.user_id = "a", .currency = "USD"}), ElementsAre(1, 2, 3));
  EXPECT_THAT(versions({.user_id = "a", .currency = "USD", .from = kNow + seconds(1), .limit = 1}), ElementsAre(2));
  EXPECT_EQ(statement({.user_id = "a", .currency = "USD", .to = kNow + seconds(2)}).closing_minor, 20);
  EXPECT_EQ((*store_->balances_at(0, "a", kNow + seconds(1), soon()))[0].posted, 20);
}

class RandomStatements : public Statements {
 protected:
  void SetUp() override { start(2); }
};
TPS_ON_EVERY_STORE(RandomStatements);

TEST_P(RandomStatements, AgreeWithAFoldOverTheSettlements) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  History history(*store_, 2, seed);
  history.run(60);
  const auto accounts = history.entries();
  EXPECT_GE(accounts.size(), 6);
  for (const auto& [key, entries] : accounts) {
    SCOPED_TRACE(key.user_id + " " + key.currency);
    expect_agreement(key, entries);
    if (HasFailure()) return;
  }
  for (Timestamp at = kNow - seconds(2); at <= history.now() + seconds(2); at += seconds(3)) {
    expect_balances_at(accounts, at);
  }
  expect_balances_at(accounts, history.now() + std::chrono::hours(24));
}

// Each partition has a clock of its own. An account's entries stay in the order of its versions, and a time cuts them
// after the last one settled before.
TEST_P(RandomStatements, KeepTheOrderOfVersionsWhenClocksDiffer) {
  Transaction across = in(1, transfer("b", "a", 10));
  across.to_partition = 0;
  add(*store_, in(1, deposit("b", 100)), kNow);
  settle(*store_, 1, 10, kNow);
  add(*store_, across, kNow);
  settle(*store_, 1, 10, kNow + seconds(60));  // fast
  add(*store_, deposit("a", 1), kNow);
  settle(*store_, 0, 10, kNow + seconds(5));

  const AccountKey a{0, "a", "USD"};
  EXPECT_THAT(versions(of(a)), ElementsAre(1, 2));
  StatementQuery query = of(a);
  query.to = kNow + seconds(6);
  EXPECT_THAT(versions(query), ElementsAre(1, 2));
  EXPECT_EQ(statement(query).closing_minor, 11);
  query = of(a);
  query.from = kNow + seconds(6);
  EXPECT_THAT(versions(query), IsEmpty());
  EXPECT_EQ(statement(query).opening_minor, 11);
  EXPECT_EQ((*store_->balances_at(0, "a", kNow + seconds(6), soon()))[0].posted, 11);
  EXPECT_THAT(*store_->balances_at(0, "a", kNow + seconds(4), soon()), IsEmpty());
}

}  // namespace
}  // namespace tps::contract
