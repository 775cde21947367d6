// The accounts, holds, reversals and totals while transactions are settled one after another. `settle` runs a batch
// over one; a replay of the whole log runs over a single one.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "domain/settlement.hpp"

namespace tps::domain {

// The transaction of parent_id: `settled` once it has its effect, so not while pending, and never when it failed.
struct Parent {
  const Transaction* transaction = nullptr;  // nullptr: there is none
  bool settled = false;
};

class Ledger {
 public:
  using TotalsKey = std::pair<std::uint32_t, std::string>;  // partition, currency

  Ledger() = default;
  Ledger(Accounts accounts, Holds holds, Reversals reversals);
  // It knows its accounts by their addresses, which only a move keeps.
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;
  Ledger(Ledger&&) = default;
  Ledger& operator=(Ledger&&) = default;
  ~Ledger() = default;
  void set_totals(TotalsKey key, const Totals& totals) { totals_[std::move(key)] = totals; }

  // Decides one transaction and applies it. `parent` matters for reversals only.
  Settlement settle(const Transaction& transaction, Parent parent, Timestamp settled_at);

  // The settlement of one that cannot be settled.
  Settlement refuse(const Transaction& transaction, Timestamp settled_at);

  // Everything that changed since the last call.
  void take_changes(SettlementOutput& output);

  [[nodiscard]] const Accounts& accounts() const { return accounts_; }
  [[nodiscard]] const Holds& holds() const { return holds_; }
  [[nodiscard]] const Reversals& reversals() const { return reversals_; }
  [[nodiscard]] const std::map<TotalsKey, Totals>& totals() const { return totals_; }

 private:
  // The accounts of one transaction: `to` is there when it moves money between two.
  struct BothAccounts {
    Accounts::value_type* from_entry = nullptr;
    Account* from = nullptr;
    Accounts::value_type* to_entry = nullptr;
    Account* to = nullptr;
  };

  BothAccounts sides_of(const Transaction& transaction);
  std::optional<Failure> apply(const Transaction& transaction, Parent parent, BothAccounts& sides,
                               Timestamp settled_at);
  std::optional<Failure> deposit(const Transaction& transaction, BothAccounts& sides);
  std::optional<Failure> withdraw(const Transaction& transaction, BothAccounts& sides);
  std::optional<Failure> transfer(const Transaction& transaction, BothAccounts& sides);
  std::optional<Failure> hold(const Transaction& transaction, BothAccounts& sides);
  std::optional<Failure> capture(const Transaction& transaction, BothAccounts& sides, Timestamp settled_at);
  std::optional<Failure> release(const Transaction& transaction, BothAccounts& sides, Timestamp settled_at);
  std::optional<Failure> reverse(const Transaction& transaction, Parent parent, BothAccounts& sides);
  void update(const Transaction& transaction, BothAccounts& sides);
  std::expected<Hold*, Failure> open_hold_of(const Transaction& child);
  std::optional<Failure> move_back(const Transaction& reversal, const Transaction& original, BothAccounts& sides);

  void close(Hold& hold, const Transaction& by, Status status, std::int64_t captured, Timestamp at);
  Totals& totals_of(const Transaction& transaction);
  void touch(Accounts::value_type& entry);
  void make_room_for_changes();
  void forget_repeated_changes();

  Accounts accounts_;
  Holds holds_;
  Reversals reversals_;
  std::map<TotalsKey, Totals> totals_;
  // The changes since the last take_changes().
  std::vector<Accounts::value_type*> changed_accounts_;  // some more than once
  std::set<std::int64_t> changed_holds_;
  std::set<std::int64_t> changed_reversals_;
  std::set<TotalsKey> changed_totals_;
};

}  // namespace tps::domain
