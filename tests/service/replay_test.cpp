// The parts of the audit by themselves: the replay of several logs, the comparison of tables, sums, sentences.
#include "audit/replay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audit/table_check.hpp"
#include "books.hpp"
#include "ports/audit.hpp"

namespace tps::service {
namespace {

using domain::Status;
using domain::Transaction;
using domain::Type;
using test::Books;
using test::BooksAudit;
using test::make;
using testing::ElementsAre;
using Kind = audit::DifferenceKind;

const domain::AccountKey kAnn{0, "ann", "USD"};

// Once the versions of an account are wrong, the replay stops waiting for them. Its log would fall behind all others.
TEST(Replay, GoesOnInTimeWithAnAccountWhoseVersionsAreWrong) {
  Books books(2);
  const std::string giver = books.user_of(1);
  const std::string other = books.user_of(0, "other");
  Transaction gift = make(Type::transfer, giver, 1);
  gift.to_user_id = other;
  books.submit(make(Type::deposit, giver, 100));
  books.submit(gift);
  books.settle(1, 10);
  books.submit(make(Type::withdrawal, books.user_of(0), 50));  // fails
  books.submit(make(Type::deposit, books.user_of(0), 70));
  books.submit(make(Type::withdrawal, other, 50));  // fails with what the first gift left
  books.settle(0, 10);
  for (int i = 0; i < 9; ++i) books.submit(gift);
  books.settle(1, 10);
  // As if the withdrawal that failed had settled: one version more, for ever.
  books.settlement(1).status = Status::settled;
  books.settlement(1).failure.reset();
  books.settlement(1).account_version = 1;
  books.settlement(2).account_version = 2;

  audit::Differences differences(10);
  audit::Replay replay(2, differences, 3);
  BooksAudit view(books);
  for (std::uint32_t partition = 0; partition < 2; ++partition) {
    replay.give(partition, *view.entries(partition, domain::id_before_first(partition), 100, {}), {});
  }
  EXPECT_EQ(replay.advance({true, true}), std::nullopt);
  std::vector<std::int64_t> ids;
  for (const audit::Difference& difference : differences.kept()) ids.push_back(*difference.transaction_id);
  EXPECT_THAT(ids, ElementsAre(1, 1, 1, 2));
}

TEST(TableCheck, KnowsAccountsThatCameLater) {
  Books books(1);
  books.submit(make(Type::deposit, "ann", 1));
  books.submit(make(Type::deposit, "bob", 2));
  domain::Ledger ledger;
  audit::Differences differences(10);
  ledger.settle(books.logs[0].transactions[0], {}, {});
  audit::TableCheck tables(ledger, differences);
  ledger.settle(books.logs[0].transactions[1], {}, {});
  domain::SettlementOutput changes;
  ledger.take_changes(changes);
  tables.note(changes);
  const std::vector<ports::Audit::AccountRow> rows{{kAnn, ledger.accounts().at(kAnn)}};
  tables.accounts(rows, std::nullopt, false);  // up to ann
  EXPECT_EQ(differences.count(), 0);
  tables.accounts({}, kAnn, true);
  ASSERT_EQ(differences.count(), 2);
  EXPECT_EQ(audit::sentence(differences.kept()[0]),
            "account bob USD (partition 0): the account is not what a replay gives (G11): posted: expected 2, found 0");
}

TEST(CheckSums, FindsWhatDoesNotAddUp) {
  const domain::Ledger::TotalsKey totals_of{0, "USD"};
  const domain::AccountKey bob{1, "bob", "USD"};
  struct Case {
    const char* name;
    std::int64_t ann_posted, bob_posted, ann_held;
    Status hold;
    std::vector<Kind> kinds;
  };
  for (const auto& [name, ann_posted, bob_posted, ann_held, hold, kinds] : std::vector<Case>{
           {"good", 60, 40, 5, Status::authorized, {}},
           {"too much posted", 60, 41, 5, Status::authorized, {Kind::not_conserved}},
           {"too little held", 60, 40, 4, Status::authorized, {Kind::held_without_hold}},
           {"nothing held", 60, 40, 0, Status::authorized, {Kind::held_without_hold}},
           {"held after the end", 60, 40, 5, Status::voided, {Kind::held_without_hold}},
       }) {
    audit::Differences differences(10);
    domain::Hold of_ann;
    of_ann.transaction_id = 4;
    of_ann.user_id = "ann";
    of_ann.currency = "USD";
    of_ann.held_minor = 5;
    of_ann.status = hold;
    audit::check_sums({{kAnn, {.posted = ann_posted, .held = ann_held}}, {bob, {.posted = bob_posted}}}, {{4, of_ann}},
                      {{totals_of, {.deposits = 110}}, {{1, "USD"}, {.withdrawals = 10}}}, differences);
    std::vector<Kind> found;
    for (const audit::Difference& difference : differences.kept()) found.push_back(difference.kind);
    EXPECT_EQ(found, kinds) << name;
  }
}

TEST(Differences, KeepsTheFirstAndCountsAll) {
  audit::Differences differences(2);
  for (std::int64_t id = 1; id <= 5; ++id) differences.add({.kind = Kind::id_repeated, .transaction_id = id});
  EXPECT_EQ(differences.count(), 5);
  EXPECT_EQ(differences.count(Kind::id_repeated), 5);
  EXPECT_EQ(differences.count(Kind::id_gap), 0);
  ASSERT_EQ(differences.kept().size(), 2);
  EXPECT_EQ(differences.kept().back().transaction_id, 2);
}

TEST(Differences, SpeaksPrintableText) {
  EXPECT_EQ(
      audit::sentence({.kind = Kind::account_differs,
                       .partition = 3,
                       .user_id = "\x1b[2Jann",
                       .currency = "USD",
                       .member = "posted",
                       .expected = "1",
                       .found = "2"}),
      "account ?[2Jann USD (partition 3): the account is not what a replay gives (G11): posted: expected 1, found 2");
}

}  // namespace
}  // namespace tps::service
