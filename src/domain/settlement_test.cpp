#include "domain/settlement.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>

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
      {"unknown type", rich, empty, transaction(Type::capture, 1), Failure::unprocessable, 1'000},
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

std::vector<Transaction> random_history(std::uint32_t seed, std::size_t length) {
  std::mt19937 random(seed);
  const auto below = [&](std::uint32_t n) { return random() % n; };
  std::vector<Transaction> history;
  for (std::size_t i = 0; i < length; ++i) {
    Transaction one;
    one.id = static_cast<std::int64_t>(i) + 1;
    one.type = static_cast<Type>(below(3));
    one.user_id = std::string(1, static_cast<char>('a' + below(5)));
    if (one.type == Type::transfer) one.to_user_id = one.user_id + "x";
    if (one.type == Type::transfer && below(2) == 0) one.to_user_id = one.user_id == "a" ? "b" : "a";
    one.amount_minor = below(20) == 0 ? kMax - below(3) : 1 + below(1'000);
    one.currency = below(2) == 0 ? "USD" : "EUR";
    history.push_back(std::move(one));
  }
  return history;
}

// However a history is cut into batches, the settlements and the books are the same (G11), money is conserved (G3),
// and no account goes below zero (G4).
TEST(Settlement, BatchesDoNotMatterAndMoneyIsConserved) {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    const std::vector<Transaction> history = random_history(seed, 400);
    SettlementInput whole;
    whole.transactions = history;
    const SettlementOutput at_once = settle(whole, kNow);

    std::mt19937 random(seed);
    SettlementInput state;
    std::vector<Settlement> piecewise;
    for (std::size_t done = 0; done < history.size();) {
      const std::size_t count = std::min<std::size_t>(1 + random() % 37, history.size() - done);
      state.transactions.assign(history.begin() + static_cast<std::ptrdiff_t>(done),
                                history.begin() + static_cast<std::ptrdiff_t>(done + count));
      const SettlementOutput output = settle(state, kNow);
      for (const auto& [account_key, account] : output.accounts) state.accounts[account_key] = account;
      for (const auto& [currency, totals] : output.totals) state.totals[currency] = totals;
      piecewise.insert(piecewise.end(), output.settlements.begin(), output.settlements.end());
      done += count;
    }
    ASSERT_EQ(piecewise, at_once.settlements) << "seed " << seed;

    for (const auto& [currency, totals] : state.totals) {
      // Modulo 2^64: the sum over accounts may be larger than any one of them.
      std::uint64_t posted = 0;
      for (const auto& [account_key, account] : state.accounts) {
        if (account_key.currency == currency) posted += static_cast<std::uint64_t>(account.posted);
        ASSERT_GE(account.posted, 0) << "seed " << seed;
      }
      ASSERT_EQ(posted, static_cast<std::uint64_t>(totals.deposits) - static_cast<std::uint64_t>(totals.withdrawals))
          << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace tps::domain
