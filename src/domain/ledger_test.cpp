// The rules, one line per case: what had happened before, one transaction, what becomes of it, and the accounts after
// it. For each type the wrong cases come first, in order of precedence.
#include "domain/ledger.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "domain/test_book.hpp"

namespace tps::domain {
namespace {

using test::at;
using test::Book;
using test::by;
using test::capture;
using test::deposit;
using test::expiry;
using test::freeze;
using test::held;
using test::hold;
using test::hold_for_b;
using test::kExpiry;
using test::kMost;
using test::limit;
using test::make;
using test::outcome_of;
using test::reversal;
using test::transfer;
using test::void_of;
using test::with;
using test::withdrawal;

struct Case {
  std::string name;
  std::vector<Transaction> before;
  Transaction one;
  std::string outcome;
  std::string accounts;
};

void run(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    Book book;
    for (const Transaction& transaction : one.before) book.settle(transaction);
    EXPECT_EQ(outcome_of(book.settle(one.one)), one.outcome);
    EXPECT_EQ(book.accounts(), one.accounts);
  }
}

const std::string kMaxText = std::to_string(kMost);
const std::string kMinText = std::to_string(-kMost);

TEST(Ledger, Hold) {
  run({
      {"nothing", {deposit(100)}, hold(0), "unprocessable", "a 100/0"},
      {"less than nothing", {deposit(100)}, hold(-1), "unprocessable", "a 100/0"},
      {"of a deposit", {deposit(100)}, held(deposit(1)), "unprocessable", "a 100/0"},
      {"to nobody", {deposit(100)}, held(make(Type::transfer, 1, "a")), "unprocessable", "a 100/0"},
      {"to oneself", {deposit(100)}, held(transfer(1, "a", "a")), "unprocessable", "a 100/0"},
      {"one too much", {deposit(100)}, hold(101), "insufficient_funds", "a 100/0"},
      {"on top of a hold", {deposit(100), hold(60)}, hold(41), "insufficient_funds", "a 100/60"},
      {"for b on top of a hold", {deposit(100), hold(60)}, hold_for_b(41), "insufficient_funds", "a 100/60"},
      {"beyond the limit", {limit(100)}, hold(101), "insufficient_funds", "a 0/0"},
      {"frozen, and too much", {deposit(100), freeze()}, hold(101), "insufficient_funds", "a 100/0 frozen"},
      {"frozen", {deposit(100), freeze()}, hold(1), "account_frozen", "a 100/0 frozen"},
      {"more held than can be counted",
       {limit(kMost), deposit(kMost), hold(kMost)},
       hold(kMost),
       "balance_overflow",
       "a " + kMaxText + "/" + kMaxText},
      {"all there is", {deposit(100)}, hold(100), "authorized", "a 100/100"},
      {"all that is not held", {deposit(100), hold(60)}, hold(40), "authorized", "a 100/100"},
      {"all of the limit", {limit(100)}, hold(100), "authorized", "a 0/100"},
      {"for b", {deposit(100)}, hold_for_b(30), "authorized", "a 100/30"},
      {"for a frozen b", {deposit(100), freeze(true, "b")}, hold_for_b(30), "authorized", "a 100/30 b 0/0 frozen"},
  });
}

TEST(Ledger, HoldsCountAtOnce) {
  run({
      {"withdrawal", {deposit(100), hold(60)}, withdrawal(41), "insufficient_funds", "a 100/60"},
      {"transfer", {deposit(100), hold(60)}, transfer(41), "insufficient_funds", "a 100/60"},
      {"reversal of the deposit", {deposit(100), hold(60)}, reversal(1, 41), "insufficient_funds", "a 100/60"},
      {"reversal of a transfer to it",
       {deposit(100, "b"), transfer(100, "b", "a"), hold(60)},
       reversal(2, 41),
       "insufficient_funds",
       "a 100/60 b 0/0"},
      {"the rest is free", {deposit(100), hold(60)}, withdrawal(40), "settled", "a 60/60"},
      {"so it is after a void", {deposit(100), hold(60), void_of(2)}, withdrawal(100), "settled", "a 0/0"},
      {"and after an expiry", {deposit(100), hold(60), expiry(2)}, withdrawal(100), "settled", "a 0/0"},
      {"and after a capture", {deposit(100), hold(60), capture(2, 1)}, withdrawal(99), "settled", "a 0/0"},
      {"and no more than that",
       {deposit(100), hold(60), capture(2, 1)},
       withdrawal(100),
       "insufficient_funds",
       "a 99/0"},
  });
}

TEST(Ledger, CaptureOfWhatCannotBeCaptured) {
  const std::vector<Transaction> held_60{deposit(100), hold(60)};
  const auto in_euro = [](Transaction& t) { t.currency = "EUR"; };
  run({
      {"nothing", held_60, capture(2, 0), "unprocessable", "a 100/60"},
      {"by somebody else", held_60, by("z", capture(2, 60)), "unprocessable", "a 100/60"},
      {"in another currency", held_60, with(by("a", capture(2, 60)), in_euro), "unprocessable", "a 100/60"},
      {"by somebody else, voided",
       {deposit(100), hold(60), void_of(2)},
       by("z", capture(2, 60)),
       "unprocessable",
       "a 100/0"},
      {"of itself", held_60, capture(3, 60), "unprocessable", "a 100/60"},
      {"of a later one", held_60, capture(4, 60), "unprocessable", "a 100/60"},
      {"no such parent", held_60, capture(-7, 60), "invalid_parent_state", "a 100/60"},
      {"of a deposit", held_60, capture(1, 60), "invalid_parent_state", "a 100/60"},
      {"of a failed hold", {deposit(10), hold(60)}, capture(2, 60), "invalid_parent_state", "a 10/0"},
      {"twice", {deposit(100), hold(60), capture(2, 10)}, capture(2, 10), "invalid_parent_state", "a 90/0"},
      {"of a capture", {deposit(100), hold(60), capture(2, 10)}, capture(3, 10), "invalid_parent_state", "a 90/0"},
      {"after a void", {deposit(100), hold(60), void_of(2)}, capture(2, 10), "invalid_parent_state", "a 100/0"},
      {"after an expiry", {deposit(100), hold(60), expiry(2)}, capture(2, 10), "invalid_parent_state", "a 100/0"},
      {"at the end of its time", held_60, at(kExpiry, capture(2, 60)), "invalid_parent_state", "a 100/60"},
      {"later", held_60, at(kExpiry + std::chrono::days(1), capture(2, 60)), "invalid_parent_state", "a 100/60"},
      {"too late and too much", held_60, at(kExpiry, capture(2, 61)), "invalid_parent_state", "a 100/60"},
      {"one too much", held_60, capture(2, 61), "capture_exceeds_hold", "a 100/60"},
      {"one too much for b", {deposit(100), hold_for_b(60)}, capture(2, 61), "capture_exceeds_hold", "a 100/60"},
      {"frozen, and too much",
       {deposit(100), hold(60), freeze()},
       capture(2, 61),
       "capture_exceeds_hold",
       "a 100/60 frozen"},
      {"frozen", {deposit(100), hold(60), freeze()}, capture(2, 60), "account_frozen", "a 100/60 frozen"},
      {"frozen, and b is full",
       {deposit(100), deposit(kMost, "b"), hold_for_b(1), freeze()},
       capture(3, 1),
       "account_frozen",
       "a 100/1 frozen b " + kMaxText + "/0"},
      {"b is full",
       {deposit(100), deposit(kMost, "b"), hold_for_b(1)},
       capture(3, 1),
       "balance_overflow",
       "a 100/1 b " + kMaxText + "/0"},
  });
}

TEST(Ledger, Capture) {
  const std::vector<Transaction> held_60{deposit(100), hold(60)};
  run({
      {"all", held_60, capture(2, 60), "settled", "a 40/0"},
      {"a part: the rest is released", held_60, capture(2, 1), "settled", "a 99/0"},
      {"just in time", held_60, at(kExpiry - std::chrono::microseconds(1), capture(2, 60)), "settled", "a 40/0"},
      {"for b", {deposit(100), hold_for_b(60)}, capture(2, 60), "settled", "a 40/0 b 60/0"},
      {"a part for b", {deposit(100), hold_for_b(60)}, capture(2, 1), "settled", "a 99/0 b 1/0"},
      {"for a frozen b",
       {deposit(100), hold_for_b(60), freeze(true, "b")},
       capture(2, 60),
       "settled",
       "a 40/0 b 60/0 frozen"},
      {"one of two holds", {deposit(100), hold(60), hold(30)}, capture(3, 30), "settled", "a 70/60"},
      {"after the one that failed", {deposit(100), hold(60), capture(2, 61)}, capture(2, 60), "settled", "a 40/0"},
      {"though the limit went down since", {limit(60), hold(60), limit(0)}, capture(2, 60), "settled", "a -60/0"},
      {"down to the lowest", {limit(kMost), hold(kMost)}, capture(2, kMost), "settled", "a " + kMinText + "/0"},
  });
}

TEST(Ledger, VoidAndExpiry) {
  const std::vector<Transaction> held_60{deposit(100), hold(60)};
  const auto in_euro = [](Transaction& t) { t.currency = "EUR"; };
  for (const auto release : {void_of, expiry}) {
    run({
        {"by somebody else", held_60, by("z", release(2)), "unprocessable", "a 100/60"},
        {"in another currency", held_60, with(by("a", release(2)), in_euro), "unprocessable", "a 100/60"},
        {"by somebody else, voided",
         {deposit(100), hold(60), void_of(2)},
         by("z", release(2)),
         "unprocessable",
         "a 100/0"},
        {"without an amount", held_60, with(release(2), [](Transaction& t) { t.amount_minor = 0; }), "unprocessable",
         "a 100/60"},
        {"of itself", held_60, release(3), "unprocessable", "a 100/60"},
        {"no such parent", held_60, release(-7), "invalid_parent_state", "a 100/60"},
        {"of a withdrawal", {deposit(100), withdrawal(60)}, release(2), "invalid_parent_state", "a 40/0"},
        {"of a failed hold", {hold(60)}, release(1), "invalid_parent_state", ""},
        {"after a capture", {deposit(100), hold(60), capture(2, 1)}, release(2), "invalid_parent_state", "a 99/0"},
        {"after a void", {deposit(100), hold(60), void_of(2)}, release(2), "invalid_parent_state", "a 100/0"},
        {"after an expiry", {deposit(100), hold(60), expiry(2)}, release(2), "invalid_parent_state", "a 100/0"},
        {"one of two holds", {deposit(100), hold(60), hold(30)}, release(2), "settled", "a 100/30"},
        {"for b", {deposit(100), hold_for_b(60)}, release(2), "settled", "a 100/0"},
        {"frozen", {deposit(100), hold(60), freeze()}, release(2), "settled", "a 100/0 frozen"},
        {"before its time", held_60, at(kExpiry - std::chrono::microseconds(1), release(2)), "settled", "a 100/0"},
        {"in time", held_60, at(kExpiry, release(2)), "settled", "a 100/0"},
    });
  }
}

TEST(Ledger, ReversalOfWhatCannotBeReversed) {
  const std::vector<Transaction> a_100{deposit(100)};
  const auto to_b = [](Transaction& t) { t.to_user_id = "b"; };
  const auto in_euro = [](Transaction& t) { t.currency = "EUR"; };
  run({
      {"nothing", a_100, reversal(1, 0), "unprocessable", "a 100/0"},
      {"no such parent", a_100, reversal(-7, 1), "unprocessable", "a 100/0"},
      {"of itself", a_100, reversal(2, 1), "unprocessable", "a 100/0"},
      {"by somebody else", a_100, by("z", reversal(1, 1)), "unprocessable", "a 100/0"},
      {"by somebody else, a failed one", {withdrawal(1)}, by("z", reversal(1, 1)), "unprocessable", ""},
      {"by the receiver", {deposit(100), transfer(60)}, by("b", reversal(2, 1)), "unprocessable", "a 40/0 b 60/0"},
      {"in another currency", a_100, with(by("a", reversal(1, 1)), in_euro), "unprocessable", "a 100/0"},
      {"with a receiver of its own", a_100, with(by("a", reversal(1, 1)), to_b), "unprocessable", "a 100/0"},
      {"a failed deposit",
       {deposit(kMost), deposit(1)},
       reversal(2, 1),
       "invalid_parent_state",
       "a " + kMaxText + "/0"},
      {"a failed withdrawal", {withdrawal(1)}, reversal(1, 1), "invalid_parent_state", ""},
      {"an open hold", {deposit(100), hold(60)}, reversal(2, 1), "invalid_parent_state", "a 100/60"},
      {"a captured hold", {deposit(100), hold(60), capture(2, 60)}, reversal(2, 1), "invalid_parent_state", "a 40/0"},
      {"a void", {deposit(100), hold(60), void_of(2)}, reversal(3, 1), "invalid_parent_state", "a 100/0"},
      {"an expiry", {deposit(100), hold(60), expiry(2)}, reversal(3, 1), "invalid_parent_state", "a 100/0"},
      {"a reversal", {deposit(100), reversal(1, 60)}, reversal(2, 1), "invalid_parent_state", "a 40/0"},
      {"an account update", {deposit(100), limit(5)}, reversal(2, 1), "invalid_parent_state", "a 100/0"},
      {"a failed one, and too much", {withdrawal(1)}, reversal(1, 2), "invalid_parent_state", ""},
      {"one too much", a_100, reversal(1, 101), "reversal_exceeds_original", "a 100/0"},
      {"one too much in sum",
       {deposit(100), deposit(100), reversal(1, 60)},
       reversal(1, 41),
       "reversal_exceeds_original",
       "a 140/0"},
      {"after all of it",
       {deposit(100), deposit(100), reversal(1, 100)},
       reversal(1, 1),
       "reversal_exceeds_original",
       "a 100/0"},
      {"more than was captured",
       {deposit(100), hold(60), capture(2, 10)},
       reversal(3, 11),
       "reversal_exceeds_original",
       "a 90/0"},
      {"too much, and the money is gone",
       {deposit(100), withdrawal(100)},
       reversal(1, 101),
       "reversal_exceeds_original",
       "a 0/0"},
      {"the money is gone", {deposit(100), withdrawal(1)}, reversal(1, 100), "insufficient_funds", "a 99/0"},
      {"gone, and frozen",
       {deposit(100), withdrawal(1), freeze()},
       reversal(1, 100),
       "insufficient_funds",
       "a 99/0 frozen"},
      {"the receiver has spent it",
       {deposit(100), transfer(60), withdrawal(1, "b")},
       reversal(2, 60),
       "insufficient_funds",
       "a 40/0 b 59/0"},
      {"the payer's limit does not help the receiver",
       {deposit(100), limit(900), transfer(60), withdrawal(60, "b")},
       reversal(3, 1),
       "insufficient_funds",
       "a 40/0 b 0/0"},
      {"a deposit, frozen", {deposit(100), freeze()}, reversal(1, 1), "account_frozen", "a 100/0 frozen"},
      {"the receiver is frozen",
       {deposit(100), transfer(60), freeze(true, "b")},
       reversal(2, 60),
       "account_frozen",
       "a 40/0 b 60/0 frozen"},
      {"of a capture, the receiver is frozen",
       {deposit(100), hold_for_b(60), capture(2, 60), freeze(true, "b")},
       reversal(3, 60),
       "account_frozen",
       "a 40/0 b 60/0 frozen"},
      {"a withdrawal into a full account",
       {deposit(100), withdrawal(100), deposit(kMost)},
       reversal(2, 1),
       "balance_overflow",
       "a " + kMaxText + "/0"},
      {"a transfer into a full account",
       {deposit(100), transfer(100), deposit(kMost)},
       reversal(2, 1),
       "balance_overflow",
       "a " + kMaxText + "/0 b 100/0"},
      {"a capture into a full account",
       {deposit(100), hold(100), capture(2, 100), deposit(kMost)},
       reversal(3, 1),
       "balance_overflow",
       "a " + kMaxText + "/0"},
  });
}

TEST(Ledger, Reversal) {
  run({
      {"deposit", {deposit(100)}, reversal(1, 100), "settled", "a 0/0"},
      {"part of a deposit", {deposit(100)}, reversal(1, 1), "settled", "a 99/0"},
      {"up to the sum", {deposit(100), reversal(1, 60)}, reversal(1, 40), "settled", "a 0/0"},
      {"the one that failed does not count",
       {deposit(100), withdrawal(50), reversal(1, 60), deposit(50)},
       reversal(1, 100),
       "settled",
       "a 0/0"},
      {"deposit, on credit", {limit(100), deposit(100), withdrawal(100)}, reversal(2, 100), "settled", "a -100/0"},
      {"withdrawal", {deposit(100), withdrawal(60)}, reversal(2, 60), "settled", "a 100/0"},
      {"withdrawal, frozen", {deposit(100), withdrawal(60), freeze()}, reversal(2, 60), "settled", "a 100/0 frozen"},
      {"transfer", {deposit(100), transfer(60)}, reversal(2, 60), "settled", "a 100/0 b 0/0"},
      {"part of a transfer", {deposit(100), transfer(60)}, reversal(2, 1), "settled", "a 41/0 b 59/0"},
      {"transfer, the payer is frozen",
       {deposit(100), transfer(60), freeze()},
       reversal(2, 60),
       "settled",
       "a 100/0 frozen b 0/0"},
      {"transfer, on the receiver's credit",
       {deposit(100), transfer(60), withdrawal(60, "b"), limit(60, "b")},
       reversal(2, 60),
       "settled",
       "a 100/0 b -60/0"},
      {"capture", {deposit(100), hold(60), capture(2, 10)}, reversal(3, 10), "settled", "a 100/0"},
      {"capture for b", {deposit(100), hold_for_b(60), capture(2, 10)}, reversal(3, 10), "settled", "a 100/0 b 0/0"},
      {"each original by itself", {deposit(60), deposit(40), reversal(1, 60)}, reversal(2, 40), "settled", "a 0/0"},
  });
}

TEST(Ledger, AccountUpdate) {
  const auto silent = make(Type::account_update, 0, "a");
  run({
      {"says nothing", {}, silent, "unprocessable", ""},
      {"with an amount", {}, with(limit(5), [](Transaction& t) { t.amount_minor = 1; }), "unprocessable", ""},
      {"below zero", {}, limit(-1), "unprocessable", ""},
      {"with manual capture", {}, held(limit(5)), "unprocessable", ""},
      {"the limit", {limit(5)}, withdrawal(5), "settled", "a -5/0"},
      {"the highest limit, and funds", {limit(kMost), deposit(9)}, withdrawal(1), "settled", "a 8/0"},
      {"the limit and no more", {limit(5)}, withdrawal(6), "insufficient_funds", "a 0/0"},
      {"the limit goes", {limit(5), limit(0)}, withdrawal(1), "insufficient_funds", "a 0/0"},
      {"frozen leaves the limit", {limit(5), freeze(), freeze(false)}, withdrawal(5), "settled", "a -5/0"},
      {"the limit leaves frozen", {limit(5), freeze(), limit(6)}, withdrawal(5), "account_frozen", "a 0/0 frozen"},
      {"both at once",
       {with(limit(5), [](Transaction& t) { t.frozen = true; })},
       withdrawal(5),
       "account_frozen",
       "a 0/0 frozen"},
      {"of another currency",
       {with(limit(5), [](Transaction& t) { t.currency = "EUR"; })},
       withdrawal(1),
       "insufficient_funds",
       "a 0/0"},
      {"below what is used", {limit(100), withdrawal(80)}, limit(10), "settled", "a -80/0"},
      {"then debits wait", {limit(100), withdrawal(80), limit(10)}, withdrawal(1), "insufficient_funds", "a -80/0"},
      {"and credits help", {limit(100), withdrawal(80), limit(10), deposit(71)}, withdrawal(1), "settled", "a -10/0"},
      {"frozen refuses a withdrawal", {deposit(9), freeze()}, withdrawal(1), "account_frozen", "a 9/0 frozen"},
      {"and a transfer", {deposit(9), freeze()}, transfer(1), "account_frozen", "a 9/0 frozen"},
      {"it takes a deposit", {freeze()}, deposit(1), "settled", "a 1/0 frozen"},
      {"and a transfer", {freeze(true, "b"), deposit(1)}, transfer(1), "settled", "a 0/0 b 1/0 frozen"},
      {"and a capture", {freeze(true, "b"), deposit(1), hold_for_b(1)}, capture(3, 1), "settled", "a 0/0 b 1/0 frozen"},
      {"until it thaws", {deposit(9), freeze(), freeze(false)}, withdrawal(9), "settled", "a 0/0"},
  });
}

TEST(Ledger, ChangedAccountsAreTakenOnceAndInOrder) {
  Ledger ledger;
  constexpr int kTransactions = 5000;
  for (int i = 1; i <= kTransactions; ++i) {
    Transaction transaction = deposit(1);
    transaction.id = i;
    transaction.user_id = i % 2 == 0 ? "b" : "a";
    ledger.settle(transaction, {}, {});
  }
  SettlementOutput changes;
  ledger.take_changes(changes);
  ASSERT_EQ(changes.accounts.size(), 2U);
  EXPECT_EQ(changes.accounts[0].first.user_id, "a");
  EXPECT_EQ(changes.accounts[1].first.user_id, "b");
  for (const auto& [key, account] : changes.accounts) EXPECT_EQ(account.version, kTransactions / 2) << key.user_id;
  SettlementOutput none;
  ledger.take_changes(none);
  EXPECT_TRUE(none.accounts.empty());
}

}  // namespace
}  // namespace tps::domain
