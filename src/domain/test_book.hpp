// For tests of the ledger: short names for transactions, and a book that settles them one after another and holds every
// settlement to what is true of all of them.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "domain/ledger.hpp"

namespace tps::domain::test {

inline constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
inline constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
inline constexpr Timestamp kExpiry{std::chrono::seconds{1'000}};  // of every hold; transaction N is created at second N

inline Transaction make(Type type, std::int64_t amount, std::string user,
                        std::optional<std::string> to = std::nullopt) {
  Transaction made;
  made.type = type;
  made.user_id = std::move(user);
  made.to_user_id = std::move(to);
  made.amount_minor = amount;
  made.currency = "USD";
  return made;
}

inline Transaction held(Transaction transaction) {
  transaction.capture = Capture::manual;
  transaction.hold_expires_at = kExpiry;
  return transaction;
}

inline Transaction deposit(std::int64_t amount, const std::string& user = "a") {
  return make(Type::deposit, amount, user);
}
inline Transaction withdrawal(std::int64_t amount, const std::string& user = "a") {
  return make(Type::withdrawal, amount, user);
}
inline Transaction transfer(std::int64_t amount, const std::string& user = "a", const std::string& to = "b") {
  return make(Type::transfer, amount, user, to);
}
inline Transaction hold(std::int64_t amount) { return held(withdrawal(amount)); }
inline Transaction hold_for_b(std::int64_t amount) { return held(transfer(amount)); }

// Without a user: the book takes the accounts of the parent.
inline Transaction child(Type type, std::int64_t parent, std::int64_t amount) {
  Transaction made = make(type, amount, "");
  made.parent_id = parent;
  return made;
}
inline Transaction capture(std::int64_t parent, std::int64_t amount) { return child(Type::capture, parent, amount); }
inline Transaction void_of(std::int64_t parent) { return child(Type::void_, parent, 1); }
inline Transaction expiry(std::int64_t parent) { return child(Type::expiry, parent, 1); }
inline Transaction reversal(std::int64_t parent, std::int64_t amount) { return child(Type::reversal, parent, amount); }

inline Transaction limit(std::int64_t overdraft_limit, const std::string& user = "a") {
  Transaction made = make(Type::account_update, 0, user);
  made.overdraft_limit = overdraft_limit;
  return made;
}
inline Transaction freeze(bool frozen = true, const std::string& user = "a") {
  Transaction made = make(Type::account_update, 0, user);
  made.frozen = frozen;
  return made;
}

template <class Change>
Transaction with(Transaction transaction, Change change) {
  change(transaction);
  return transaction;
}
inline Transaction at(Timestamp created_at, Transaction transaction) {
  transaction.created_at = created_at;
  return transaction;
}
inline Transaction by(const std::string& user, Transaction transaction) {
  transaction.user_id = user;
  return transaction;
}

// "settled", "insufficient_funds", ...
inline std::string outcome_of(const Settlement& settlement) {
  return std::string(settlement.failure ? slug(*settlement.failure) : slug(settlement.status));
}

class Book {
 public:
  Book() = default;
  explicit Book(Ledger ledger) : ledger_(std::move(ledger)) {}

  // The next transaction of the log.
  Settlement settle(Transaction transaction) {
    complete(transaction);
    const Accounts before = ledger_.accounts();
    const Transaction* const parent = find(transaction.parent_id);
    const bool settled = parent != nullptr && parent->status == Status::settled;
    const Settlement settlement = ledger_.settle(transaction, {parent, settled}, transaction.created_at);
    transaction.status = settlement.status;
    log_.push_back(transaction);
    check(before, settlement);
    return settlement;
  }

  // "a 60/40 b 0/0 frozen": posted / held of the accounts in USD that something has touched.
  [[nodiscard]] std::string accounts() const {
    std::map<std::string, Account> sorted;
    for (const auto& [key, account] : ledger_.accounts()) {
      if (account.version > 0) sorted.emplace(key.user_id, account);
    }
    std::string text;
    for (const auto& [user, account] : sorted) {
      if (!text.empty()) text += ' ';
      text += user + ' ' + std::to_string(account.posted) + '/' + std::to_string(account.held);
      if (account.frozen) text += " frozen";
    }
    return text;
  }

  [[nodiscard]] const Ledger& ledger() const { return ledger_; }
  [[nodiscard]] const Transaction& last() const { return log_.back(); }

 private:
  void complete(Transaction& transaction) const {
    transaction.id = static_cast<std::int64_t>(log_.size()) + 1;
    if (transaction.created_at == Timestamp{}) transaction.created_at = Timestamp{std::chrono::seconds{transaction.id}};
    const Transaction* const parent = find(transaction.parent_id);
    if (!transaction.user_id.empty()) return;
    transaction.user_id = parent != nullptr ? parent->user_id : "a";
    const bool moves = transaction.type == Type::capture || transaction.type == Type::reversal;
    if (parent != nullptr && moves) transaction.to_user_id = parent->to_user_id;
  }

  [[nodiscard]] const Transaction* find(std::optional<std::int64_t> id) const {
    if (!id || *id < 1 || *id > static_cast<std::int64_t>(log_.size())) return nullptr;
    return &log_.at(static_cast<std::size_t>(*id - 1));
  }

  // Checks the invariants that hold after every settlement.
  void check(const Accounts& before, const Settlement& settlement) {
    const Transaction& transaction = log_.back();
    SettlementOutput changes;
    ledger_.take_changes(changes);
    const Account& account = ledger_.accounts().at({0, transaction.user_id, transaction.currency});
    EXPECT_EQ(settlement.transaction_id, transaction.id);
    EXPECT_EQ(settlement.settled_at, transaction.created_at);
    EXPECT_EQ(settlement.posted_after, account.posted);
    EXPECT_EQ(settlement.held_after, account.held);
    EXPECT_EQ(settlement.account_version, account.version);
    EXPECT_EQ(settlement.status == Status::failed, settlement.failure.has_value());
    if (settlement.failure) {
      EXPECT_TRUE(changes.accounts.empty() && changes.holds.empty() && changes.reversals.empty());
      EXPECT_TRUE(changes.totals.empty());
    }
    check_changes(before, changes);
    check_sums();
  }

  static void check_changes(const Accounts& before, const SettlementOutput& changes) {
    for (const auto& [key, account] : changes.accounts) {
      const auto old = before.find(key);
      EXPECT_EQ(account.version, (old == before.end() ? 0 : old->second.version) + 1) << key.user_id;
    }
  }

  // Modulo 2^64. G3, and what is held is what the open holds hold.
  void check_sums() const {
    std::uint64_t posted = 0;
    std::uint64_t held_sum = 0;
    for (const auto& [key, account] : ledger_.accounts()) {
      posted += static_cast<std::uint64_t>(account.posted);
      held_sum += static_cast<std::uint64_t>(account.held);
    }
    std::uint64_t net = 0;
    for (const auto& [key, totals] : ledger_.totals()) net += static_cast<std::uint64_t>(totals.net());
    for (const auto& [id, hold] : ledger_.holds()) {
      if (hold.status == Status::authorized) held_sum -= static_cast<std::uint64_t>(hold.held_minor);
    }
    EXPECT_EQ(posted, net);
    EXPECT_EQ(held_sum, 0U);
  }

  Ledger ledger_;
  std::deque<Transaction> log_;  // their addresses are parents
};

}  // namespace tps::domain::test
