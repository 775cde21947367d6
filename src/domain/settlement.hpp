// Settling: the pure function that decides what happens to transactions, in log order. The same transactions over the
// same accounts always give the same settlements (G11), on every instance and at any time: time is an argument, and all
// other input is in the log.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
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

// The account of user_id, and that of to_user_id, where there is one.
AccountKey payer_of(const Transaction& transaction);
std::optional<AccountKey> receiver_of(const Transaction& transaction);

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

// A transaction with manual capture that was authorized. Open while `status` is authorized; its end is that of the
// transaction: settled (captured), voided or expired.
struct Hold {
  std::int64_t transaction_id = 0;
  std::string user_id;
  std::string currency;
  std::int64_t held_minor = 0;
  std::int64_t captured_minor = 0;
  Status status = Status::authorized;
  Timestamp expires_at{};
  std::optional<std::int64_t> closed_by;  // the capture, void or expiry
  std::optional<Timestamp> closed_at;     // when that was settled

  bool operator==(const Hold&) const = default;
};

struct Settlement {
  std::uint32_t partition = 0;
  std::int64_t transaction_id = 0;
  Status status = Status::pending;
  std::optional<Failure> failure;
  // The account of user_id after this transaction, also when it failed (then unchanged, version included).
  std::int64_t posted_after = 0;
  std::int64_t held_after = 0;
  std::int64_t account_version = 0;
  // When it moves money between two accounts (transfers, and captures and reversals of them; not their holds): the
  // account of to_user_id, likewise.
  std::optional<std::int64_t> to_posted_after;
  std::optional<std::int64_t> to_account_version;
  Timestamp settled_at{};
  int rules_version = kRulesVersion;

  bool operator==(const Settlement&) const = default;
};

// Shows on a transaction what its settlement says: its status, failure and settled_at.
void put_on(const Settlement& settlement, Transaction& transaction);

// Sums per (partition, currency) of what settled, kept independently of the accounts so that the two can be compared
// (G3): over all partitions, sum of posted = deposits - withdrawals - captures - deposit_reversals +
// withdrawal_reversals. Transfers and what follows from them count nowhere. All modulo 2^64: a sum over all accounts
// may be larger than any one account, and a deposit of one user must not fail because of the balances of others.
struct Totals {
  std::int64_t deposits = 0;
  std::int64_t withdrawals = 0;
  std::int64_t captures = 0;  // of withdrawals
  std::int64_t deposit_reversals = 0;
  std::int64_t withdrawal_reversals = 0;  // captures of withdrawals included

  // The sum of `posted` over all accounts that these totals demand, modulo 2^64.
  [[nodiscard]] std::int64_t net() const;
  bool operator==(const Totals&) const = default;
};

using Accounts = std::unordered_map<AccountKey, Account, HashOfAccountKey>;
using Holds = std::unordered_map<std::int64_t, Hold>;              // by transaction_id
using Reversals = std::unordered_map<std::int64_t, std::int64_t>;  // by the original's id: the sum reversed so far
using Parents = std::unordered_map<std::int64_t, Transaction>;     // by id, as they stand now
using TotalsByCurrency = std::map<std::string, Totals>;

// Everything the function needs, fetched before it runs. An absent entry does not exist in the store: the account is
// new (all zero), the hold was never authorized, nothing was reversed.
struct SettlementInput {
  // One partition, ascending ids, all pending. A row that cannot be read comes with amount_minor 0, and fails.
  std::vector<Transaction> transactions;
  Accounts accounts;        // of user_id and to_user_id
  Holds holds;              // of parent_id, for captures, voids and expiries
  Reversals reversals;      // of parent_id, for reversals
  Parents parents;          // of parent_id, for reversals of transactions that are not among `transactions`
  TotalsByCurrency totals;  // of the partition
  Timestamp last_settled_at{};
  std::optional<Timestamp> clock_reference{};  // the time that `now` is compared with (clock.hpp); nullopt: none
};

// Everything to write, in one database transaction.
struct SettlementOutput {
  std::vector<Settlement> settlements;                           // one per transaction, in order
  std::vector<std::pair<AccountKey, Account>> accounts;          // those that changed, sorted by key
  std::vector<Hold> holds;                                       // opened or closed, sorted by transaction_id
  std::vector<std::pair<std::int64_t, std::int64_t>> reversals;  // those that changed, sorted by the original's id
  std::vector<std::pair<std::string, Totals>> totals;            // those that changed
};

// settled_at of every settlement is max(now, last_settled_at, its created_at). A transaction that these rules cannot
// settle (an unknown type, a member that is missing or out of range) settles as failed / unprocessable and changes
// nothing.
SettlementOutput settle(const SettlementInput& input, Timestamp now);

// The change that a settled transaction made to the posted balance of one of its accounts: that of user_id, or of
// to_user_id (`incoming`). `parent_type` is that of its parent, which only a reversal needs.
std::int64_t posted_change(const Transaction& transaction, std::optional<Type> parent_type, bool incoming);

// For a batch that the store refuses to record: all of it fails as unprocessable.
SettlementOutput settle_unprocessable(const SettlementInput& input, Timestamp now);

}  // namespace tps::domain
