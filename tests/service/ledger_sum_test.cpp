// The sum of a ledger that grows while it is read.
#include "service/ledger_sum.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "books.hpp"

namespace tps::service {
namespace {

using domain::Type;
using test::Books;
using test::BooksAudit;
using testing::_;
using testing::Each;
using testing::ElementsAre;
using testing::Pair;
using testing::SizeIs;

bool go_on(std::chrono::steady_clock::duration) { return true; }

TEST(LedgerSum, OfNothingIsNothing) {
  Books books(1);
  BooksAudit audit(books);
  EXPECT_THAT(LedgerSum(audit, 10, go_on).imbalance().value(), SizeIs(0));
}

// Every kind of transaction, settled between any two reads, in one log and in several, with pieces of every size.
TEST(LedgerSum, IsZeroWhileTheLedgerGrows) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Books books(seed % 2 == 0 ? 1 : 3, seed);
    test::grow(books, 200);
    BooksAudit audit(books, [&](std::size_t) {
      test::grow(books, 30);
      return false;
    });
    const auto imbalance = LedgerSum(audit, 1 + seed % 9, go_on).imbalance();
    ASSERT_TRUE(imbalance) << seed;
    EXPECT_THAT(*imbalance, Each(Pair(_, 0))) << seed;
    EXPECT_THAT(*imbalance, SizeIs(2)) << seed;
  }
}

// Wherever the wrong account is, and whatever settles meanwhile.
TEST(LedgerSum, FindsAWrongBalanceWhileTheLedgerGrows) {
  Books books(3);
  test::grow(books, 400);
  books.settle_all();
  for (std::size_t place = 0; place < books.accounts.size(); ++place) {
    const auto wrong = std::next(books.accounts.begin(), static_cast<std::ptrdiff_t>(place));
    wrong->second.posted += 7;
    BooksAudit audit(books, [&](std::size_t) {
      test::grow(books, 5);
      return false;
    });
    const auto imbalance = LedgerSum(audit, 3, go_on).imbalance();
    ASSERT_TRUE(imbalance);
    for (const auto& [currency, sum] : *imbalance) EXPECT_EQ(sum, currency == wrong->first.currency ? 7 : 0) << place;
    wrong->second.posted -= 7;
  }
}

TEST(LedgerSum, FailsWithAnyRead) {
  for (int failing = 0;; ++failing) {
    Books books(2);
    test::grow(books, 200);
    int calls = 0;
    BooksAudit audit(books, [&](std::size_t) {
      test::grow(books, 20);
      return calls++ == failing;
    });
    const auto imbalance = LedgerSum(audit, 5, go_on).imbalance();
    EXPECT_EQ(imbalance.has_value(), calls <= failing);
    if (calls <= failing) break;
    ASSERT_LT(failing, 1'000);
  }
}

TEST(LedgerSum, CanBeGivenUp) {
  Books books(1);
  test::grow(books, 100);
  BooksAudit audit(books);
  int reads = 0;
  EXPECT_FALSE(LedgerSum(audit, 1, [&](auto) { return ++reads < 3; }).imbalance());
  EXPECT_EQ(reads, 3);
}

}  // namespace
}  // namespace tps::service
