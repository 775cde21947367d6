#include "domain/settlement.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <span>
#include <string>
#include <vector>

#include "domain/test_book.hpp"

namespace tps::domain {
namespace {

using std::chrono::microseconds;

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr Timestamp kNow{microseconds{1'000'000}};

Transaction transaction(Type type, std::int64_t amount, std::optional<std::string> to = std::nullopt) {
  Transaction one;
  one.id = 1;
  one.type = type;
  one.user_id = "a";
  one.to_user_id = std::move(to);
  one.amount_minor = amount;
  one.currency = "USD";
  return one;
}

AccountKey key(const std::string& user) { return {0, user, "USD"}; }

// One line per case: an account, a transaction, what must come of it. In order of precedence, failures first.
TEST(Settlement, DecidesByTheRules) {
  struct Case {
    std::string name;
    Account from;
    Account to;
    Transaction transaction;
    std::optional<Failure> failure;
    std::int64_t posted_after;
  };
  const Account empty{};
  const Account rich{.posted = 1'000};
  const Account holding{.posted = 1'000, .held = 900};
  const Account frozen{.posted = 1'000, .frozen = true};
  const Account overdraft{.posted = 0, .overdraft_limit = 500};
  const Account full{.posted = kMax};
  const Account deep{.posted = std::numeric_limits<std::int64_t>::min() + 1, .overdraft_limit = kMax};
  const auto withdraw = [](std::int64_t amount) { return transaction(Type::withdrawal, amount); };
  const auto deposit = [](std::int64_t amount) { return transaction(Type::deposit, amount); };
  const auto transfer = [](std::int64_t amount) { return transaction(Type::transfer, amount, "b"); };
  const auto expires = [](Transaction& one) { one.hold_expires_at = kNow; };
  // NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange): such as a newer version may write
  const Transaction of_no_type = transaction(static_cast<Type>(99), 1);
  const auto is_manual = [](Transaction& one) { one.capture = Capture::manual; };
  const Case cases[] = {
      {"empty account", empty, empty, withdraw(1), Failure::insufficient_funds, 0},
      {"one too much", rich, empty, withdraw(1'001), Failure::insufficient_funds, 1'000},
      {"holds count", holding, empty, withdraw(101), Failure::insufficient_funds, 1'000},
      {"beyond the overdraft", overdraft, empty, withdraw(501), Failure::insufficient_funds, 0},
      {"frozen and too much: funds come first", frozen, empty, withdraw(1'001), Failure::insufficient_funds, 1'000},
      {"the most that fits", empty, empty, withdraw(kMax), Failure::insufficient_funds, 0},
      {"transfer without funds", empty, empty, transfer(1), Failure::insufficient_funds, 0},
      {"frozen debit", frozen, empty, withdraw(1), Failure::account_frozen, 1'000},
      {"frozen transfer", frozen, empty, transfer(1), Failure::account_frozen, 1'000},
      {"deposit overflows", full, empty, deposit(1), Failure::balance_overflow, kMax},
      {"receiver overflows", rich, full, transfer(1), Failure::balance_overflow, 1'000},
      {"payer cannot go lower", deep, empty, withdraw(2), Failure::insufficient_funds,
       std::numeric_limits<std::int64_t>::min() + 1},
      {"unknown type", rich, empty, of_no_type, Failure::unprocessable, 1'000},
      {"no parent", rich, empty, transaction(Type::capture, 1), Failure::unprocessable, 1'000},
      {"deposit to somebody", rich, empty, transaction(Type::deposit, 1, "b"), Failure::unprocessable, 1'000},
      {"withdrawal to somebody", rich, empty, transaction(Type::withdrawal, 1, "b"), Failure::unprocessable, 1'000},
      {"expires without a hold", rich, empty, test::with(withdraw(1), expires), Failure::unprocessable, 1'000},
      {"a hold that never expires", rich, empty, test::with(withdraw(1), is_manual), Failure::unprocessable, 1'000},
      {"zero amount", rich, empty, deposit(0), Failure::unprocessable, 1'000},
      {"transfer to nobody", rich, empty, transaction(Type::transfer, 1), Failure::unprocessable, 1'000},
      {"transfer to oneself", rich, empty, transaction(Type::transfer, 1, "a"), Failure::unprocessable, 1'000},
      {"exactly all", rich, empty, withdraw(1'000), std::nullopt, 0},
      {"exactly what is not held", holding, empty, withdraw(100), std::nullopt, 900},
      {"exactly the overdraft", overdraft, empty, withdraw(500), std::nullopt, -500},
      {"frozen accounts take credits", frozen, empty, deposit(1), std::nullopt, 1'001},
      {"deposit", empty, empty, deposit(kMax), std::nullopt, kMax},
      {"transfer", rich, empty, transfer(1'000), std::nullopt, 0},
  };
  for (const Case& one : cases) {
    SettlementInput input;
    input.transactions = {one.transaction};
    input.accounts[key("a")] = one.from;
    input.accounts[key("b")] = one.to;
    const SettlementOutput output = settle(input, kNow);
    ASSERT_EQ(output.settlements.size(), 1U) << one.name;
    const Settlement& settlement = output.settlements.front();
    EXPECT_EQ(settlement.failure, one.failure) << one.name;
    EXPECT_EQ(settlement.status, one.failure ? Status::failed : Status::settled) << one.name;
    EXPECT_EQ(settlement.posted_after, one.posted_after) << one.name;
    EXPECT_EQ(settlement.account_version, one.failure ? 0 : 1) << one.name;
    EXPECT_EQ(output.accounts.empty(), one.failure.has_value()) << one.name;
    EXPECT_EQ(output.totals.empty(), one.failure.has_value() || one.transaction.type == Type::transfer) << one.name;
  }
}

TEST(Settlement, ATransferRecordsBothSides) {
  SettlementInput input;
  input.transactions = {transaction(Type::transfer, 300, "b")};
  input.accounts[key("a")] = {.posted = 1'000, .version = 4};
  const SettlementOutput output = settle(input, kNow);
  EXPECT_EQ(output.settlements[0].posted_after, 700);
  EXPECT_EQ(output.settlements[0].account_version, 5);
  EXPECT_EQ(output.settlements[0].to_posted_after, 300);
  EXPECT_EQ(output.settlements[0].to_account_version, 1);
  ASSERT_EQ(output.accounts.size(), 2U);
  EXPECT_EQ(output.accounts[1].first, key("b"));
}

// One huge deposit must not keep everybody else out of a currency.
TEST(Settlement, TotalsGoOnModulo2To64) {
  SettlementInput input;
  input.transactions = {transaction(Type::deposit, 2)};
  input.totals["USD"].deposits = kMax;
  const SettlementOutput output = settle(input, kNow);
  EXPECT_EQ(output.settlements[0].status, Status::settled);
  EXPECT_EQ(output.totals[0].second.deposits, std::numeric_limits<std::int64_t>::min() + 1);
}

TEST(Settlement, TimeNeverRunsBack) {
  SettlementInput input;
  input.transactions = {transaction(Type::deposit, 1), transaction(Type::deposit, 1), transaction(Type::deposit, 1)};
  input.transactions[1].created_at = kNow + microseconds{50};
  input.last_settled_at = kNow + microseconds{10};
  const auto output = settle(input, kNow);
  EXPECT_EQ(output.settlements[0].settled_at, kNow + microseconds{10});
  EXPECT_EQ(output.settlements[1].settled_at, kNow + microseconds{50});
  EXPECT_EQ(output.settlements[2].settled_at, kNow + microseconds{50});
}

// Earlier settlements count, in the same batch as in one before it.
SettlementInput input_of(std::vector<Transaction> transactions) {
  SettlementInput input;
  input.transactions = std::move(transactions);
  for (std::size_t i = 0; i < input.transactions.size(); ++i) {
    Transaction& one = input.transactions[i];
    one.id = static_cast<std::int64_t>(i) + 101;
    if (one.user_id.empty()) one.user_id = "a";
  }
  return input;
}

TEST(Settlement, AParentIsInTheBatchOrWasFetched) {
  struct Case {
    std::string name;
    std::vector<Transaction> batch;
    std::vector<Transaction> fetched;
    std::string outcome;  // of the last one
  };
  const auto was = [](Status status, Transaction one) {
    one.id = 7;
    one.status = status;
    return one;
  };
  const auto reversal_for_b = test::with(test::reversal(7, 5), [](Transaction& one) { one.to_user_id = "b"; });
  const Case cases[] = {
      {"nowhere", {test::deposit(9), test::reversal(7, 5)}, {}, "unprocessable"},
      {"later in the batch", {test::reversal(102, 5), test::deposit(9), test::reversal(104, 5)}, {}, "unprocessable"},
      {"failed in the batch", {test::withdrawal(9), test::reversal(101, 5)}, {}, "invalid_parent_state"},
      {"failed before",
       {test::deposit(9), test::reversal(7, 5)},
       {was(Status::failed, test::deposit(9))},
       "invalid_parent_state"},
      {"still pending",
       {test::deposit(9), test::reversal(7, 5)},
       {was(Status::pending, test::deposit(9))},
       "invalid_parent_state"},
      {"authorized",
       {test::deposit(9), test::reversal(7, 5)},
       {was(Status::authorized, test::hold(9))},
       "invalid_parent_state"},
      {"captured",
       {test::deposit(9), test::reversal(7, 5)},
       {was(Status::settled, test::hold(9))},
       "invalid_parent_state"},
      {"in the batch", {test::deposit(9), test::reversal(101, 5)}, {}, "settled"},
      {"settled before", {test::deposit(9), test::reversal(7, 5)}, {was(Status::settled, test::deposit(9))}, "settled"},
      {"transfer, settled before",
       {test::deposit(9, "b"), reversal_for_b},
       {was(Status::settled, test::transfer(9))},
       "settled"},
      {"twice, and not more",
       {test::deposit(9), test::reversal(101, 5), test::reversal(101, 5)},
       {},
       "reversal_exceeds_original"},
  };
  for (const Case& one : cases) {
    SettlementInput input = input_of(one.batch);
    for (const Transaction& parent : one.fetched) input.parents[parent.id] = parent;
    EXPECT_EQ(test::outcome_of(settle(input, kNow).settlements.back()), one.outcome) << one.name;
  }
}

TEST(Settlement, WhatWasReversedBeforeCounts) {
  SettlementInput input = input_of({test::reversal(7, 5)});
  Transaction parent = test::deposit(9);
  parent.id = 7;
  parent.status = Status::settled;
  input.parents[7] = parent;
  input.accounts[key("a")].posted = 100;
  input.reversals[7] = 4;
  const SettlementOutput output = settle(input, kNow);
  EXPECT_EQ(test::outcome_of(output.settlements[0]), "settled");
  ASSERT_EQ(output.reversals.size(), 1U);
  EXPECT_EQ(output.reversals[0], std::pair(std::int64_t{7}, std::int64_t{9}));
  input.reversals[7] = 5;
  EXPECT_EQ(test::outcome_of(settle(input, kNow).settlements[0]), "reversal_exceeds_original");
}

Hold open_hold(std::int64_t id, std::int64_t held) {
  Hold hold;
  hold.transaction_id = id;
  hold.user_id = "a";
  hold.currency = "USD";
  hold.held_minor = held;
  hold.expires_at = test::kExpiry;
  return hold;
}

TEST(Settlement, AHoldIsReportedAsItStandsAfterTheBatch) {
  SettlementInput input = input_of({test::deposit(100), test::hold(60), test::hold(30), test::capture(102, 20)});
  const SettlementOutput output = settle(input, kNow);
  ASSERT_EQ(output.holds.size(), 2U);
  Hold captured = open_hold(102, 60);
  captured.captured_minor = 20;
  captured.status = Status::settled;
  captured.closed_by = 104;
  captured.closed_at = kNow;
  EXPECT_EQ(output.holds[0], captured);
  EXPECT_EQ(output.holds[1], open_hold(103, 30));
  EXPECT_EQ(output.settlements[1].status, Status::authorized);
  EXPECT_EQ(output.settlements[1].held_after, 60);
  EXPECT_EQ(output.settlements[3].held_after, 30);
}

TEST(Settlement, AHoldThatWasOpenedBeforeEndsOnce) {
  for (const auto& [release, end] : {std::pair(test::void_of(7), Status::voided), {test::expiry(7), Status::expired}}) {
    SettlementInput input = input_of({release, release});
    input.holds[7] = open_hold(7, 60);
    input.accounts[key("a")] = {.posted = 100, .held = 60};
    const SettlementOutput output = settle(input, kNow);
    EXPECT_EQ(test::outcome_of(output.settlements[0]), "settled");
    EXPECT_EQ(test::outcome_of(output.settlements[1]), "invalid_parent_state");
    ASSERT_EQ(output.holds.size(), 1U);
    EXPECT_EQ(output.holds[0].status, end);
    EXPECT_EQ(output.holds[0].captured_minor, 0);
    EXPECT_EQ(output.holds[0].closed_by, 101);
    EXPECT_EQ(output.accounts[0].second.held, 0);
  }
}

// A settlement names the receiver's account when money moved to or from it, in whatever partition that is.
TEST(Settlement, TheReceiverIsInItsOwnPartition) {
  const auto for_b = [](Transaction& one) { one.to_user_id = "b", one.to_partition = 3; };
  SettlementInput input =
      input_of({test::deposit(100), test::with(test::transfer(30), for_b), test::with(test::hold_for_b(20), for_b),
                test::with(test::capture(103, 20), for_b), test::with(test::reversal(104, 5), for_b)});
  input.accounts[{3, "b", "USD"}] = {.posted = 1'000, .version = 9};
  const SettlementOutput output = settle(input, kNow);
  const auto& list = output.settlements;
  EXPECT_EQ(list[0].to_posted_after, std::nullopt);
  EXPECT_EQ(list[1].to_posted_after, 1'030);
  EXPECT_EQ(list[2].to_posted_after, std::nullopt);
  EXPECT_EQ(list[2].to_account_version, std::nullopt);
  EXPECT_EQ(list[3].to_posted_after, 1'050);
  EXPECT_EQ(list[4].to_posted_after, 1'045);
  EXPECT_EQ(list[4].to_account_version, 12);
  EXPECT_EQ(list[4].posted_after, 55);
  ASSERT_EQ(output.accounts.size(), 2U);
  EXPECT_EQ(output.accounts[1].first, (AccountKey{3, "b", "USD"}));
}

TEST(Settlement, TotalsCountWhatCrossesTheWorld) {
  SettlementInput input = input_of(
      {test::deposit(1'000), test::withdrawal(100), test::hold(50), test::capture(103, 40), test::hold_for_b(70),
       test::with(test::capture(105, 70), [](Transaction& one) { one.to_user_id = "b"; }), test::transfer(5),
       test::reversal(101, 7), test::reversal(102, 3), test::reversal(104, 2), test::withdrawal(kMax)});
  const SettlementOutput output = settle(input, kNow);
  const Totals expected{
      .deposits = 1'000, .withdrawals = 100, .captures = 40, .deposit_reversals = 7, .withdrawal_reversals = 5};
  ASSERT_EQ(output.totals.size(), 1U);
  EXPECT_EQ(output.totals[0], std::pair(std::string("USD"), expected));
  EXPECT_EQ(expected.net(), 858);
}

// Values that no history leads to, as from a damaged database: nothing overflows all the same.
TEST(Settlement, ADamagedAccountOverflowsNothing) {
  const Account lowest{.posted = std::numeric_limits<std::int64_t>::min(), .held = 60};
  const Account nonsense{.posted = std::numeric_limits<std::int64_t>::min(),
                         .held = std::numeric_limits<std::int64_t>::min(),
                         .overdraft_limit = kMax};
  struct Case {
    std::string name;
    Account account;
    Transaction transaction;
    std::string outcome;
  };
  const Case cases[] = {
      {"capture", lowest, test::capture(7, 60), "balance_overflow"},
      {"withdrawal", lowest, test::withdrawal(1), "insufficient_funds"},
      {"withdrawal, nonsense held", nonsense, test::withdrawal(1), "balance_overflow"},
      {"transfer, nonsense held", nonsense, test::transfer(1), "balance_overflow"},
      {"reversal, nonsense held", nonsense, test::reversal(7, 1), "balance_overflow"},
  };
  for (const Case& one : cases) {
    SettlementInput input = input_of({one.transaction});
    input.accounts[key("a")] = one.account;
    input.holds[7] = open_hold(7, 60);
    input.parents[7] = test::deposit(5);
    input.parents[7].status = Status::settled;
    const SettlementOutput output = settle(input, kNow);
    EXPECT_EQ(test::outcome_of(output.settlements[0]), one.outcome) << one.name;
    EXPECT_TRUE(output.accounts.empty()) << one.name;
  }
}

TEST(Settlement, ABatchThatTheStoreRefusesFailsAndChangesNothing) {
  SettlementInput input = input_of({test::deposit(100), test::hold(60), test::transfer(5), test::reversal(101, 5)});
  input.accounts[key("a")] = {.posted = 100, .held = 10, .version = 4};
  input.transactions[1].created_at = kNow + microseconds{50};
  const SettlementOutput output = settle_unprocessable(input, kNow);
  ASSERT_EQ(output.settlements.size(), 4U);
  for (const Settlement& settlement : output.settlements) {
    EXPECT_EQ(test::outcome_of(settlement), "unprocessable");
    EXPECT_EQ(settlement.status, Status::failed);
    EXPECT_EQ(settlement.posted_after, 100);
    EXPECT_EQ(settlement.held_after, 10);
    EXPECT_EQ(settlement.account_version, 4);
    EXPECT_EQ(settlement.to_posted_after, std::nullopt);
  }
  EXPECT_EQ(output.settlements[0].settled_at, kNow);
  EXPECT_EQ(output.settlements[3].settled_at, kNow + microseconds{50});
  EXPECT_TRUE(output.accounts.empty() && output.holds.empty() && output.reversals.empty() && output.totals.empty());
}

TEST(Settlement, ChangesAreTakenOnce) {
  Ledger ledger;
  Transaction one = test::deposit(5);
  one.id = 1;
  ledger.settle(one, {}, kNow);
  SettlementOutput first;
  ledger.take_changes(first);
  EXPECT_EQ(first.accounts.size(), 1U);
  EXPECT_EQ(first.totals.size(), 1U);
  SettlementOutput second;
  ledger.take_changes(second);
  EXPECT_TRUE(second.accounts.empty() && second.totals.empty());
}

TEST(Settlement, PostedChange) {
  struct Case {
    std::string name;
    Transaction transaction;
    std::optional<Type> parent;
    std::int64_t from;
    std::int64_t to;
  };
  const Case cases[] = {
      {"hold", test::hold(5), {}, 0, 0},
      {"hold of a transfer", test::hold_for_b(5), {}, 0, 0},
      {"void", test::void_of(1), Type::withdrawal, 0, 0},
      {"expiry", test::expiry(1), Type::transfer, 0, 0},
      {"account update", test::limit(5), {}, 0, 0},
      {"deposit", test::deposit(5), {}, 5, 5},
      {"withdrawal", test::withdrawal(5), {}, -5, -5},
      {"transfer", test::transfer(5), {}, -5, 5},
      {"capture", test::capture(1, 5), Type::transfer, -5, 5},
      {"reversal of a deposit", test::reversal(1, 5), Type::deposit, -5, -5},
      {"reversal of a withdrawal", test::reversal(1, 5), Type::withdrawal, 5, -5},
      {"reversal of a transfer", test::reversal(1, 5), Type::transfer, 5, -5},
      {"reversal of a capture", test::reversal(1, 5), Type::capture, 5, -5},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(posted_change(one.transaction, one.parent, false), one.from) << one.name;
    EXPECT_EQ(posted_change(one.transaction, one.parent, true), one.to) << one.name;
  }
}

}  // namespace
}  // namespace tps::domain
