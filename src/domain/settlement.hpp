// Settling: the pure function that decides what happens to transactions, in log order. The same
// transactions over the same accounts always give the same settlements (G11), whoever runs it and when:
// time comes in as an argument, and everything else that decides is in the log.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "domain/transaction.hpp"

namespace tps::domain {

// Recorded with every settlement. A change of the rules below gets the next number, and the old rules
// stay replayable.
inline constexpr int kRulesVersion = 1;

struct AccountKey {
  std::uint32_t partition = 0;  // the partition of user_id
  std::string user_id;
  std::string currency;

  auto operator<=>(const AccountKey&) const = default;
};

struct HashOfAccountKey {
  std::size_t operator()(const AccountKey& key) const {
    const std::size_t user = std::hash<std::string>{}(key.user_id);
    return user ^ (std::hash<std::string>{}(key.currency) * 0x9E3779B97F4A7C15ULL);
  }
};

struct Account {
  std::int64_t posted = 0;
  std::int64_t held = 0;
  std::int64_t version = 0;  // number of settlements that touched it
  std::int64_t overdraft_limit = 0;
  bool frozen = false;

  bool operator==(const Account&) const = default;
};

struct Settlement {
  std::uint32_t partition = 0;
  std::int64_t transaction_id = 0;
  Status status = Status::pending;
  std::optional<Failure> failure;
  // The payer's account after this transaction, also when it failed (then unchanged, version included).
  std::int64_t posted_after = 0;
  std::int64_t held_after = 0;
  std::int64_t account_version = 0;
  // Transfers that settled: the receiver's account.
  std::optional<std::int64_t> to_posted_after;
  std::optional<std::int64_t> to_account_version;
  Timestamp settled_at{};
  int rules_version = kRulesVersion;

  bool operator==(const Settlement&) const = default;
};

// Sums per (partition, currency) of what settled, kept independently of the accounts so that the two can
// be compared (G3): sum of posted = deposits - withdrawals. Both sides modulo 2^64: a sum over all accounts may be
// larger than any one account, and nobody's deposit may fail because of what others have.
struct Totals {
  std::int64_t deposits = 0;
  std::int64_t withdrawals = 0;

  bool operator==(const Totals&) const = default;
};

using Accounts = std::unordered_map<AccountKey, Account, HashOfAccountKey>;
using TotalsByCurrency = std::map<std::string, Totals>;

// Everything the function needs, fetched before it runs. An account that is not there is new (all zero).
struct SettlementInput {
  std::vector<Transaction> transactions;  // one partition, ascending ids, all pending
  Accounts accounts;
  TotalsByCurrency totals;  // of the partition
  Timestamp last_settled_at{};
};

// Everything to write, in one database transaction.
struct SettlementOutput {
  std::vector<Settlement> settlements;                   // one per transaction, in order
  std::vector<std::pair<AccountKey, Account>> accounts;  // those that changed, sorted by key
  std::vector<std::pair<std::string, Totals>> totals;    // those that changed
};

// settled_at of every settlement is max(now, last_settled_at, its created_at). A transaction of a type that these
// rules do not know settles as failed / unprocessable and changes nothing.
SettlementOutput settle(const SettlementInput& input, Timestamp now);

}  // namespace tps::domain
