// The audit finds every kind of difference, and none where there is none (G3, G6, G11).
#include "audit/auditor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "books.hpp"
#include "ports/fault.hpp"

namespace tps::service {
namespace {

using domain::Status;
using domain::Transaction;
using domain::Type;
using test::Books;
using test::BooksAudit;
using test::child;
using test::make;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Found {
  ports::StoreResult<void> finished;
  audit::AuditReport report;
  std::vector<std::string> sentences;
  std::set<audit::DifferenceKind> kinds;
};

Found audit(BooksAudit& books, audit::AuditOptions options = {.piece = 7}) {
  audit::Differences differences(100'000);
  audit::Auditor auditor(books, options, differences, [](const audit::AuditProgress&) {});
  Found found;
  found.finished = auditor.run();
  found.report = auditor.report();
  for (const audit::Difference& difference : differences.kept()) {
    found.sentences.push_back(audit::sentence(difference));
    found.kinds.insert(difference.kind);
  }
  return found;
}

Found audit(Books& books) {
  BooksAudit view(books);
  return audit(view);
}

// One of everything, all of user "ann" but for a receiver: ids 1, 2, ...
Books example() {
  Books books(1);
  const auto hash = [](std::uint8_t first) { return domain::Hash128{first, 1, 2, 3}; };
  Transaction deposit = make(Type::deposit, "ann", 1'000);
  deposit.idempotency_hash = hash(1);
  deposit.reference = "first";
  books.submit(deposit);  // 1
  Transaction withdrawal = make(Type::withdrawal, "ann", 100);
  withdrawal.idempotency_hash = hash(2);
  withdrawal.reference = "second";
  books.submit(withdrawal);  // 2
  Transaction transfer = make(Type::transfer, "ann", 200);
  transfer.to_user_id = "bob";
  books.submit(transfer);  // 3
  Transaction hold = make(Type::withdrawal, "ann", 300);
  hold.capture = domain::Capture::manual;
  books.submit(hold);                                     // 4
  books.submit(child(Type::capture, *books.at(4), 250));  // 5
  books.submit(hold);                                     // 6, stays open
  books.submit(child(Type::reversal, *books.at(2), 40));  // 7
  books.submit(make(Type::withdrawal, "ann", 100'000));   // 8, fails
  books.submit(make(Type::deposit, "bob", 10));           // 9
  books.submit(make(Type::deposit, "cyd", 5, "EUR"));     // 10
  books.settle_all();
  books.submit(make(Type::deposit, "ann", 1));  // 11, pending
  return books;
}

TEST(Auditor, FindsNothingInTheExample) {
  Books books = example();
  const Found found = audit(books);
  ASSERT_TRUE(found.finished);
  EXPECT_THAT(found.sentences, IsEmpty());
  EXPECT_EQ(found.report.settled, 10);
  EXPECT_EQ(found.report.pending, 1);
  EXPECT_EQ(found.report.accounts, 3);
  EXPECT_EQ(found.report.holds, 2);
  EXPECT_EQ(found.report.reversals, 1);
  EXPECT_EQ(found.report.unprocessable, 0);
}

TEST(Auditor, FindsNothingInAnEmptyDatabase) {
  Books books(3);
  const Found found = audit(books);
  ASSERT_TRUE(found.finished);
  EXPECT_THAT(found.sentences, IsEmpty());
}

struct Planted {
  const char* name;
  std::function<void(Books&)> plant;
  audit::DifferenceKind kind;
  const char* said;  // part of the sentence
};

class AuditorPlanted : public testing::TestWithParam<Planted> {};

TEST_P(AuditorPlanted, IsFound) {
  Books books = example();
  GetParam().plant(books);
  const Found found = audit(books);
  ASSERT_TRUE(found.finished);
  EXPECT_THAT(found.kinds, Contains(GetParam().kind));
  EXPECT_THAT(found.sentences, Contains(HasSubstr(GetParam().said)));
}

using Kind = audit::DifferenceKind;
const domain::AccountKey kAnn{0, "ann", "USD"};
constexpr auto kLongAgo = domain::Timestamp(std::chrono::microseconds(1));

const std::vector<Planted> kPlanted{
    // The log of transactions.
    {"gap", [](Books& b) { std::erase_if(b.logs[0].transactions, [](auto& t) { return t.id == 9; }); }, Kind::id_gap,
     "transaction 10: ids are missing from the log: expected 9, found 10"},
    {"gap_at_the_end", [](Books& b) { std::erase_if(b.logs[0].transactions, [](auto& t) { return t.id >= 10; }); },
     Kind::id_gap, "transaction 10: ids are missing from the log: expected 10, found none up to 10"},
    {"repeated_id",
     [](Books& b) { b.logs[0].transactions.insert(b.logs[0].transactions.begin(), b.logs[0].transactions.front()); },
     Kind::id_repeated, "transaction 1: the id is in the log more than once"},
    {"unreadable", [](Books& b) { b.logs[0].unreadable.push_back(9); }, Kind::row_unreadable,
     "transaction 9: something in the row"},
    {"partition", [](Books& b) { b.transaction(11).partition = 1; }, Kind::user_misplaced,
     "transaction 11: the transaction is not in the partition of its user: expected 0, found 1"},
    {"to_partition", [](Books& b) { b.transaction(3).to_partition = 1; }, Kind::receiver_misplaced,
     "transaction 3: to_partition is not the partition of the receiver: expected 0, found 1"},
    {"to_partition_without_receiver", [](Books& b) { b.transaction(11).to_partition = 0; }, Kind::receiver_misplaced,
     "expected none, found 0"},
    {"created_at", [](Books& b) { b.transaction(11).created_at = kLongAgo; }, Kind::created_at_runs_back,
     "transaction 11: it was created before the one before it: expected at least"},
    {"no_parent", [](Books& b) { b.transaction(7).parent_id = -5; }, Kind::parent_missing,
     "transaction 7: its parent is not in the log: found -5"},
    {"later_parent", [](Books& b) { b.transaction(7).parent_id = 8; }, Kind::parent_not_earlier,
     "transaction 7: its parent is not earlier in the same partition: found 8"},
    {"other_users_parent", [](Books& b) { b.transaction(2).user_id = "eve"; }, Kind::parent_of_another,
     "transaction 7: its parent is of other accounts: user_id: expected eve, found ann"},
    {"other_currencys_parent", [](Books& b) { b.transaction(2).currency = "EUR"; }, Kind::parent_of_another,
     "currency: expected EUR, found USD"},
    {"other_receivers_parent",
     [](Books& b) {
       b.transaction(7).to_user_id = "bob";
       b.transaction(7).to_partition = 0;
     },
     Kind::parent_of_another, "to_user_id: expected none, found bob"},
    {"key", [](Books& b) { b.transaction(11).idempotency_hash = b.transaction(1).idempotency_hash; },
     Kind::key_repeated,
     "transaction 11: its idempotency key is that of another transaction (G2): found transaction 1"},
    {"reference", [](Books& b) { b.transaction(2).reference = "first"; }, Kind::reference_repeated,
     "transaction 2: its reference is that of another transaction of the user: found transaction 1"},
    // Settlements.
    {"no_settlement", [](Books& b) { b.logs[0].settlements.erase(b.logs[0].settlements.begin() + 8); },
     Kind::settlement_missing, "transaction 9: later transactions are settled, this one is not"},
    {"orphan", [](Books& b) { b.logs[0].orphans = 2; }, Kind::settlement_orphaned,
     "partition 0: settlements are of no transaction in the log: expected 0, found 2"},
    {"status", [](Books& b) { b.settlement(9).status = Status::failed; }, Kind::settlement_differs,
     "transaction 9: the settlement is not what a replay gives (G11): status: expected settled, found failed"},
    {"failure", [](Books& b) { b.settlement(8).failure = domain::Failure::account_frozen; }, Kind::settlement_differs,
     "failure_code: expected insufficient_funds, found account_frozen"},
    {"posted_after", [](Books& b) { b.settlement(1).posted_after = 999; }, Kind::settlement_differs,
     "transaction 1: the settlement is not what a replay gives (G11): posted_after: expected 1000, found 999"},
    {"held_after", [](Books& b) { b.settlement(4).held_after = 0; }, Kind::settlement_differs,
     "held_after: expected 300, found 0"},
    {"version", [](Books& b) { b.settlement(9).account_version = 5; }, Kind::settlement_differs,
     "account_version: expected 2, found 5"},
    {"to_posted_after", [](Books& b) { b.settlement(3).to_posted_after = 2; }, Kind::settlement_differs,
     "to_posted_after: expected 200, found 2"},
    {"to_version", [](Books& b) { b.settlement(3).to_account_version.reset(); }, Kind::settlement_differs,
     "to_account_version: expected 1, found none"},
    {"amount", [](Books& b) { b.transaction(9).amount_minor = 11; }, Kind::settlement_differs,
     "transaction 9: the settlement is not what a replay gives (G11): posted_after: expected 211, found 210"},
    {"settled_at", [](Books& b) { b.settlement(9).settled_at = kLongAgo; }, Kind::settled_at_runs_back,
     "transaction 9: it was settled before"},
    {"rules", [](Books& b) { b.settlement(9).rules_version = 99; }, Kind::rules_unknown,
     "transaction 9: it was settled by rules that this version of tps does not have: expected at most 1, found 99"},
    // Derived tables.
    {"posted", [](Books& b) { b.accounts[kAnn].posted += 1; }, Kind::account_differs,
     "account ann USD (partition 0): the account is not what a replay gives (G11): posted: expected 490, found 491"},
    {"held", [](Books& b) { b.accounts[kAnn].held = 0; }, Kind::account_differs, "held: expected 300, found 0"},
    {"account_version", [](Books& b) { b.accounts[kAnn].version = 1; }, Kind::account_differs, "version: expected 7"},
    {"limit", [](Books& b) { b.accounts[kAnn].overdraft_limit = 1; }, Kind::account_differs,
     "overdraft_limit: expected 0, found 1"},
    {"frozen", [](Books& b) { b.accounts[kAnn].frozen = true; }, Kind::account_differs,
     "frozen: expected false, found true"},
    {"no_account", [](Books& b) { b.accounts.erase(kAnn); }, Kind::account_differs, "posted: expected 490, found 0"},
    {"account_too_many", [](Books& b) { b.accounts[{0, "zoe", "USD"}].posted = 1; }, Kind::account_differs,
     "account zoe USD (partition 0)"},
    {"hold_amount", [](Books& b) { b.holds[6].held_minor = 1; }, Kind::hold_differs,
     "transaction 6: the hold is not what a replay gives (G11): held_minor: expected 300, found 1"},
    {"hold_captured", [](Books& b) { b.holds[4].captured_minor = 1; }, Kind::hold_differs, "captured_minor"},
    {"hold_status", [](Books& b) { b.holds[6].status = Status::voided; }, Kind::hold_differs,
     "status: expected authorized, found voided"},
    {"hold_closed_by", [](Books& b) { b.holds[4].closed_by = 9; }, Kind::hold_differs,
     "closed_by: expected 5, found 9"},
    {"hold_closed_at", [](Books& b) { b.holds[4].closed_at.reset(); }, Kind::hold_differs, "closed_at"},
    {"hold_expires_at", [](Books& b) { b.holds[4].expires_at = kLongAgo; }, Kind::hold_differs, "expires_at"},
    {"hold_user", [](Books& b) { b.holds[4].user_id = "eve"; }, Kind::hold_differs, "user_id: expected ann, found eve"},
    {"hold_currency", [](Books& b) { b.holds[4].currency = "EUR"; }, Kind::hold_differs, "currency: expected USD"},
    {"no_hold", [](Books& b) { b.holds.erase(6); }, Kind::hold_differs, "expected a row, found no row"},
    {"hold_too_many", [](Books& b) { b.holds[9].transaction_id = 9; }, Kind::hold_differs,
     "transaction 9: the hold is not what a replay gives (G11): expected no row, found a row"},
    {"reversed", [](Books& b) { b.reversals[2] = 41; }, Kind::reversal_differs,
     "transaction 2: the reversed sum is not what a replay gives (G11): reversed_minor: expected 40, found 41"},
    {"no_reversal", [](Books& b) { b.reversals.erase(2); }, Kind::reversal_differs, "expected 40, found 0"},
    {"reversal_too_many", [](Books& b) { b.reversals[1] = 3; }, Kind::reversal_differs, "expected 0, found 3"},
    {"deposits", [](Books& b) { b.logs[0].totals["USD"].deposits = 0; }, Kind::totals_differ,
     "currency USD (partition 0): the totals are not what a replay gives (G3): deposits: expected 1010, found 0"},
    {"withdrawals", [](Books& b) { b.logs[0].totals["USD"].withdrawals = 0; }, Kind::totals_differ, "withdrawals"},
    {"captures", [](Books& b) { b.logs[0].totals["USD"].captures = 0; }, Kind::totals_differ, "captures"},
    {"deposit_reversals", [](Books& b) { b.logs[0].totals["USD"].deposit_reversals = 9; }, Kind::totals_differ,
     "deposit_reversals: expected 0, found 9"},
    {"withdrawal_reversals", [](Books& b) { b.logs[0].totals["USD"].withdrawal_reversals = 9; }, Kind::totals_differ,
     "withdrawal_reversals: expected 40, found 9"},
    {"no_totals", [](Books& b) { b.logs[0].totals.erase("EUR"); }, Kind::totals_differ, "currency EUR"},
};

INSTANTIATE_TEST_SUITE_P(Each, AuditorPlanted, testing::ValuesIn(kPlanted),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(Auditor, TellsOnlyWhatIsPlantedWhereNothingFollowsFromIt) {
  Books books = example();
  books.settlement(9).posted_after = 7;
  books.accounts[kAnn].version = 1;
  EXPECT_THAT(audit(books).sentences, testing::SizeIs(2));
}

TEST(Auditor, CountsARepeatedIdOnce) {
  Books books = example();
  auto& log = books.logs[0].transactions;
  log.insert(log.begin(), log.front());
  EXPECT_THAT(audit(books).sentences, ElementsAre(HasSubstr("transaction 1: the id is in the log more than once")));
}

TEST(Auditor, ListsUnprocessableOnesWithoutCallingThemDifferences) {
  Books books(1);
  for (int i = 0; i < 30; ++i) {
    Transaction deposit = make(Type::deposit, "ann", 5);
    if (i >= 5) deposit.amount_minor = 0;
    books.submit(deposit);
  }
  books.settle_all();
  // The store had refused to record this one: good by the rules, and recorded so that it changed nothing.
  books.logs[0].settlements.pop_back();
  books.logs[0].transactions.back().amount_minor = 5;
  domain::Settlement refused = books.settlement(29);
  refused.transaction_id = 30;
  books.logs[0].settlements.push_back(refused);
  const Found found = audit(books);
  EXPECT_THAT(found.sentences, IsEmpty());
  EXPECT_EQ(found.report.unprocessable, 25);
  EXPECT_EQ(found.report.first_unprocessable.size(), audit::kMostUnprocessableShown);
  EXPECT_EQ(found.report.first_unprocessable.front(), 6);
}

// A history of a seed, in 1 to 8 partitions, settled by workers whose clocks disagree.
class AuditorHistory : public testing::TestWithParam<std::tuple<std::uint32_t, std::uint64_t>> {};

TEST_P(AuditorHistory, OfTheRulesHasNoDifferences) {
  const auto [partitions, seed] = GetParam();
  Books books(partitions, seed);
  grow(books, 3'000, 100);
  const Found found = audit(books);
  ASSERT_TRUE(found.finished);
  EXPECT_THAT(found.sentences, IsEmpty());
  EXPECT_GT(found.report.settled, 1'000);
  EXPECT_GT(found.report.holds, 10);
  EXPECT_GT(found.report.reversals, 10);
}

TEST_P(AuditorHistory, MayGrowDuringTheAudit) {
  const auto [partitions, seed] = GetParam();
  Books books(partitions, seed);
  grow(books, 500, 100);
  int calls = 0;
  // Slower than we read, in the end.
  BooksAudit view(books, [&](std::size_t) {
    if (++calls < 400) grow(books, 3, 100);
    return false;
  });
  const Found found = audit(view);
  ASSERT_TRUE(found.finished);
  EXPECT_THAT(found.sentences, IsEmpty());
  EXPECT_GT(found.report.settled, 600);
}

TEST_P(AuditorHistory, ShowsAnAccountThatWasWrittenOutsideSettlement) {
  const auto [partitions, seed] = GetParam();
  Books books(partitions, seed);
  grow(books, 1'000, 100);
  const domain::AccountKey key = books.key("user_3");
  books.accounts[key].posted += 1;
  const Found found = audit(books);
  EXPECT_THAT(found.sentences, testing::SizeIs(1));
  EXPECT_THAT(found.sentences, Contains(HasSubstr("account user_3 USD")));
}

INSTANTIATE_TEST_SUITE_P(Seeds, AuditorHistory,
                         testing::Combine(testing::Values(1U, 2U, 8U), testing::Values(1U, 2U, 3U)));

TEST(Auditor, GoesOnWhenTheVersionsFitNoOrder) {
  Books books(8, 5);
  grow(books, 2'000);
  books.settle_all();
  // A transfer between partitions whose receiver would have had a version that nothing gave it.
  const auto transfer = [&] {
    for (const auto& log : books.logs) {
      for (const auto& settlement : log.settlements) {
        if (settlement.to_account_version > 3 && settlement.status == Status::settled) return settlement.transaction_id;
      }
    }
    return std::int64_t{0};
  }();
  books.settlement(transfer).to_account_version.value() += 1'000;
  const Found found = audit(books);
  ASSERT_TRUE(found.finished);
  EXPECT_THAT(found.sentences, ElementsAre(HasSubstr("to_account_version")));
  EXPECT_GT(found.report.settled, 1'000);
}

// A failure sees accounts as they were; nothing keeps what came later in another log from being replayed first.
TEST(Auditor, DecidesWhatFailedOverTheAccountsAsTheyWere) {
  Books books(2);
  const std::string payer = books.user_of(0);
  const std::string giver = books.user_of(1);
  books.submit(make(Type::deposit, giver, 100));
  books.settle(1, 10);
  books.submit(make(Type::withdrawal, payer, 50));  // nothing there yet
  books.settle(0, 10, 1'000'000);                   // by a worker whose clock is a second ahead
  Transaction gift = make(Type::transfer, giver, 80);
  gift.to_user_id = payer;
  books.submit(gift);
  books.settle(1, 10);
  EXPECT_EQ(books.settlement(1).failure, domain::Failure::insufficient_funds);
  EXPECT_THAT(audit(books).sentences, IsEmpty());
  books.settlement(1).failure = domain::Failure::account_frozen;
  EXPECT_THAT(audit(books).sentences, ElementsAre(HasSubstr("expected insufficient_funds, found account_frozen")));
}

TEST(Auditor, AsksForLessWhenAPieceIsTooSlow) {
  Books books(2);
  grow(books, 3'000);
  std::size_t most = 0;
  BooksAudit view(books, [&](std::size_t rows) {
    if (rows <= 300) most = std::max(most, rows);
    return rows > 300;
  });
  const Found found = audit(view, {.piece = 4'000});
  ASSERT_TRUE(found.finished);
  EXPECT_THAT(found.sentences, IsEmpty());
  EXPECT_EQ(most, 250);
}

TEST(Auditor, TriesAgainWhenACallFailsOnce) {
  Books books(2);
  grow(books, 300);
  for (int fail_at = 0;; ++fail_at) {
    int calls = 0;
    // The fewest rows that it asks for: none of these calls can be made smaller.
    BooksAudit view(books, [&](std::size_t rows) { return rows == 0 && calls++ == fail_at; });
    const Found found = audit(view, {.piece = 40});
    ASSERT_TRUE(found.finished) << fail_at;
    EXPECT_THAT(found.sentences, IsEmpty());
    if (calls <= fail_at) return;
  }
}

TEST(Auditor, SaysWhenItCannotFinish) {
  Books books(2);
  grow(books, 300);
  // The Nth call fails for good, for every N until all goes well.
  for (int fail_at = 0;; ++fail_at) {
    int calls = 0;
    BooksAudit view(books, [&](std::size_t) { return calls++ >= fail_at; });
    const Found found = audit(view, {.piece = 40});
    EXPECT_THAT(found.sentences, IsEmpty());
    if (calls <= fail_at) {
      EXPECT_TRUE(found.finished);
      EXPECT_GT(fail_at, 5);
      return;
    }
    // Orphans are not asked for when there can be none; the calls before those must all be answered.
    if (!found.finished) {
      EXPECT_EQ(found.finished.error().detail, "too slow");
    }
  }
}

}  // namespace
}  // namespace tps::service
