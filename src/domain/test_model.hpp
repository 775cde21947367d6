// An independent model of the ledger, written from the design and not from ledger.cpp: a list of everything that
// happened so far, from which each question is answered from scratch, in numbers that cannot overflow. All rules that a
// transaction breaks are collected; the first in order of precedence is its failure. Slow and plain.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "domain/settlement.hpp"

namespace tps::domain::test {

class Model {
 public:
  // Decides the next transaction and remembers it.
  Settlement settle(const Transaction& transaction) {
    const std::optional<Failure> failure = judge(transaction);
    facts_.push_back({transaction, failure, failure ? Entries{} : entries_of(transaction)});
    Settlement settlement;
    settlement.partition = transaction.partition;
    settlement.transaction_id = transaction.id;
    settlement.status = is_a_hold(transaction) ? Status::authorized : Status::settled;
    if (failure) settlement.status = Status::failed;
    settlement.failure = failure;
    const Account payer = account(payer_of(transaction));
    settlement.posted_after = payer.posted;
    settlement.held_after = payer.held;
    settlement.account_version = payer.version;
    if (failure != Failure::unprocessable && transaction.to_user_id && !is_a_hold(transaction) &&
        may_move(transaction.type)) {
      const Account receiver = account(receiver_of(transaction));
      settlement.to_posted_after = receiver.posted;
      settlement.to_account_version = receiver.version;
    }
    settlement.settled_at = transaction.created_at;
    return settlement;
  }

  [[nodiscard]] Account account(const AccountKey& key) const {
    Account account;
    account.posted = static_cast<std::int64_t>(posted(key));
    account.held = static_cast<std::int64_t>(held(key));
    account.overdraft_limit = static_cast<std::int64_t>(limit(key));
    account.frozen = frozen(key);
    for (const Fact& fact : facts_) {
      const bool paid = !fact.failure && payer_of(fact.transaction) == key;
      const bool moved = std::ranges::any_of(fact.entries, [&](const Entry& one) { return one.account == key; });
      if (paid || moved) ++account.version;
    }
    return account;
  }

  // Of a transaction with manual capture: authorized, or how it ended. nullopt when there is no hold.
  [[nodiscard]] std::optional<Status> hold_status(std::int64_t id) const {
    const Fact* const fact = find(id);
    if (fact == nullptr || fact->failure || !is_a_hold(fact->transaction)) return std::nullopt;
    const Fact* const end = end_of(id);
    if (end == nullptr) return Status::authorized;
    switch (end->transaction.type) {
      case Type::capture:
        return Status::settled;
      case Type::void_:
        return Status::voided;
      default:
        return Status::expired;
    }
  }

  [[nodiscard]] std::int64_t reversed(std::int64_t id) const {
    std::int64_t sum = 0;
    for (const Fact& fact : facts_) {
      const Transaction& one = fact.transaction;
      if (!fact.failure && one.type == Type::reversal && one.parent_id == id) sum += one.amount_minor;
    }
    return sum;
  }

  [[nodiscard]] std::set<AccountKey> keys() const {
    std::set<AccountKey> keys;
    for (const Fact& fact : facts_) {
      keys.insert(payer_of(fact.transaction));
      if (fact.transaction.to_user_id) keys.insert(receiver_of(fact.transaction));
    }
    return keys;
  }

 private:
  using Wide = __int128_t;

  struct Entry {
    AccountKey account;
    Wide change;
  };
  using Entries = std::vector<Entry>;

  struct Fact {
    Transaction transaction;
    std::optional<Failure> failure;
    Entries entries;  // its postings
  };

  static bool is_a_hold(const Transaction& one) { return one.capture == Capture::manual; }
  static bool may_move(Type type) { return type == Type::transfer || type == Type::capture || type == Type::reversal; }
  static AccountKey payer_of(const Transaction& one) { return {one.partition, one.user_id, one.currency}; }
  static AccountKey receiver_of(const Transaction& one) { return {*one.to_partition, *one.to_user_id, one.currency}; }

  [[nodiscard]] const Fact* find(std::optional<std::int64_t> id) const {
    const auto found = std::ranges::find_if(facts_, [&](const Fact& fact) { return fact.transaction.id == id; });
    return found == facts_.end() ? nullptr : &*found;
  }

  // The fact that closed a hold.
  [[nodiscard]] const Fact* end_of(std::int64_t hold) const {
    for (const Fact& fact : facts_) {
      const Type type = fact.transaction.type;
      const bool closes = type == Type::capture || type == Type::void_ || type == Type::expiry;
      if (closes && !fact.failure && fact.transaction.parent_id == hold) return &fact;
    }
    return nullptr;
  }

  // A capture is what its hold would have been without one, of another amount; a reversal is its original backwards.
  [[nodiscard]] Entries entries_of(const Transaction& one) const {
    if (is_a_hold(one)) return {};
    switch (one.type) {
      case Type::deposit:
        return {{payer_of(one), one.amount_minor}};
      case Type::withdrawal:
        return {{payer_of(one), -Wide{one.amount_minor}}};
      case Type::transfer:
        return {{payer_of(one), -Wide{one.amount_minor}}, {receiver_of(one), one.amount_minor}};
      case Type::capture:
      case Type::reversal:
        return entries_from_parent(one);
      default:
        return {};
    }
  }

  [[nodiscard]] Entries entries_from_parent(const Transaction& one) const {
    Transaction again = find(one.parent_id)->transaction;
    again.amount_minor = one.amount_minor;
    again.capture = Capture::automatic;
    Entries entries = entries_of(again);
    if (one.type == Type::capture) return entries;
    for (Entry& entry : entries) entry.change = -entry.change;
    return entries;
  }

  [[nodiscard]] Wide posted(const AccountKey& key) const {
    Wide sum = 0;
    for (const Fact& fact : facts_) {
      for (const Entry& entry : fact.entries) sum += entry.account == key ? entry.change : 0;
    }
    return sum;
  }

  [[nodiscard]] Wide held(const AccountKey& key) const {
    std::map<std::int64_t, Wide> open;
    for (const Fact& fact : facts_) {
      const Transaction& one = fact.transaction;
      if (fact.failure || payer_of(one) != key) continue;
      if (is_a_hold(one)) open[one.id] = one.amount_minor;
      if (one.type == Type::capture || one.type == Type::void_ || one.type == Type::expiry) open.erase(*one.parent_id);
    }
    Wide sum = 0;
    for (const auto& [id, amount] : open) sum += amount;
    return sum;
  }

  static bool updates(const Fact& fact, const AccountKey& key) {
    return !fact.failure && fact.transaction.type == Type::account_update && payer_of(fact.transaction) == key;
  }

  [[nodiscard]] Wide limit(const AccountKey& key) const {
    Wide limit = 0;
    for (const Fact& fact : facts_) {
      if (updates(fact, key)) limit = fact.transaction.overdraft_limit.value_or(static_cast<std::int64_t>(limit));
    }
    return limit;
  }

  [[nodiscard]] bool frozen(const AccountKey& key) const {
    bool frozen = false;
    for (const Fact& fact : facts_) {
      if (updates(fact, key)) frozen = fact.transaction.frozen.value_or(frozen);
    }
    return frozen;
  }

  static bool fits(Wide value) {
    return value >= std::numeric_limits<std::int64_t>::min() && value <= std::numeric_limits<std::int64_t>::max();
  }

  // The shape that each type must have.
  static bool has_a_good_shape(const Transaction& one) {
    if (is_a_hold(one) && one.type != Type::withdrawal && one.type != Type::transfer) return false;
    if (is_a_hold(one) != one.hold_expires_at.has_value()) return false;
    if (one.type == Type::account_update) {
      if (one.overdraft_limit && *one.overdraft_limit < 0) return false;
      return one.amount_minor == 0 && (one.overdraft_limit || one.frozen);
    }
    if (one.to_user_id == one.user_id) return false;
    if ((one.type == Type::deposit || one.type == Type::withdrawal) && one.to_user_id) return false;
    if (one.type == Type::transfer && !one.to_user_id) return false;
    const bool is_child = one.type >= Type::capture && one.type <= Type::reversal;
    if (is_child && (!one.parent_id || *one.parent_id >= one.id)) return false;
    return one.amount_minor > 0;
  }

  [[nodiscard]] std::optional<Failure> judge_parent(const Transaction& one) const {
    const Fact* const parent = find(one.parent_id);
    if (one.type != Type::reversal) {
      if (parent == nullptr || !hold_status(parent->transaction.id)) return Failure::invalid_parent_state;
      if (payer_of(one) != payer_of(parent->transaction)) return Failure::unprocessable;
      const bool too_late = one.type == Type::capture && one.created_at >= *parent->transaction.hold_expires_at;
      if (too_late || end_of(parent->transaction.id) != nullptr) return Failure::invalid_parent_state;
      return std::nullopt;
    }
    if (parent == nullptr) return Failure::unprocessable;
    const Transaction& original = parent->transaction;
    if (payer_of(one) != payer_of(original) || one.to_user_id != original.to_user_id) return Failure::unprocessable;
    const bool moved = !parent->failure && !parent->entries.empty();
    if (!moved || original.type == Type::reversal) return Failure::invalid_parent_state;
    return std::nullopt;
  }

  [[nodiscard]] std::optional<Failure> judge(const Transaction& one) const {
    if (!has_a_good_shape(one)) return Failure::unprocessable;
    const bool is_child = one.type >= Type::capture && one.type <= Type::reversal;
    if (is_child) {
      if (const auto failure = judge_parent(one)) return failure;
    }
    std::set<Failure> broken;
    if (one.type == Type::capture) {
      const Transaction& hold = find(one.parent_id)->transaction;
      if (one.amount_minor > hold.amount_minor) broken.insert(Failure::capture_exceeds_hold);
      if (frozen(payer_of(one))) broken.insert(Failure::account_frozen);
    }
    if (one.type == Type::reversal) {
      const Wide sum = Wide{reversed(*one.parent_id)} + one.amount_minor;
      if (sum > find(one.parent_id)->transaction.amount_minor) broken.insert(Failure::reversal_exceeds_original);
    }
    Entries entries = entries_of(one);
    for (const Entry& entry : entries) {
      if (!fits(posted(entry.account) + entry.change)) broken.insert(Failure::balance_overflow);
    }
    if (is_a_hold(one)) {
      entries = {{payer_of(one), -Wide{one.amount_minor}}};
      if (!fits(held(payer_of(one)) + one.amount_minor)) broken.insert(Failure::balance_overflow);
    }
    for (const Entry& entry : entries) {
      if (entry.change > 0 || one.type == Type::capture) continue;  // a capture takes what was held already
      const Wide available = posted(entry.account) - held(entry.account);
      if (available + entry.change < -limit(entry.account)) broken.insert(Failure::insufficient_funds);
      if (frozen(entry.account)) broken.insert(Failure::account_frozen);
    }
    if (broken.empty()) return std::nullopt;
    return *broken.begin();
  }

  std::vector<Fact> facts_;
};

}  // namespace tps::domain::test
