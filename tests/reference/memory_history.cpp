// MemoryStore: an account through time. Everything here is a fold over the account's entries.
#include <algorithm>
#include <map>
#include <set>

#include "ports/store.hpp"
#include "reference/memory_store.hpp"

namespace tps::reference {

using domain::AccountKey;
using domain::Timestamp;
using domain::Transaction;
using ports::Balance;
using ports::StoreResult;

// In the order of their versions.
std::vector<MemoryStore::Entry> MemoryStore::entries_of(const AccountKey& key) const {
  std::vector<Entry> entries;
  for (const MemoryDatabase::Partition& partition : database_->partitions_) {
    for (std::size_t i = 0; i < partition.settlements.size(); ++i) {
      const Transaction& transaction = partition.log[i];
      const domain::Settlement& settlement = partition.settlements[i];
      if (settlement.status == domain::Status::failed || transaction.currency != key.currency) continue;
      if (transaction.user_id == key.user_id) {
        entries.push_back({settlement.account_version, settlement.posted_after, false, &transaction, &settlement});
      } else if (transaction.to_user_id == key.user_id && settlement.to_account_version) {
        entries.push_back(
            {*settlement.to_account_version, *settlement.to_posted_after, true, &transaction, &settlement});
      }
    }
  }
  std::ranges::sort(entries, {}, &Entry::version);
  return entries;
}

StoreResult<std::vector<Balance>> MemoryStore::balances_at(std::uint32_t partition, const std::string& user_id,
                                                           Timestamp at, ports::Deadline) {
  const std::lock_guard guard(database_->mutex_);
  std::set<std::string> currencies;
  for (const auto& [key, account] : database_->accounts_) {
    if (key.partition == partition && key.user_id == user_id) currencies.insert(key.currency);
  }
  std::vector<Balance> balances;
  for (const std::string& currency : currencies) {
    Balance balance{.currency = currency};
    for (const Entry& entry : entries_of({partition, user_id, currency})) {
      if (entry.settlement->settled_at > at) continue;
      balance.posted = entry.posted_after;
      balance.version = entry.version;
      if (!entry.incoming) balance.held = entry.settlement->held_after;  // only the payer's transactions change `held`
    }
    balance.available = balance.posted - balance.held;
    if (balance.version > 0) balances.push_back(balance);
  }
  return balances;
}

StoreResult<ports::Statement> MemoryStore::statement(const ports::StatementQuery& query, ports::Deadline) {
  const std::lock_guard guard(database_->mutex_);
  const std::vector<Entry> entries = entries_of({query.partition, query.user_id, query.currency});
  // The range is an interval of versions: partitions have clocks of their own, so settled_at may run back within it.
  const auto last_before = [&](Timestamp time) {
    std::int64_t version = 0;
    for (const Entry& entry : entries) {
      if (entry.settlement->settled_at < time) version = entry.version;
    }
    return version;
  };
  const auto posted_at = [&](std::int64_t version) {
    std::int64_t posted = 0;
    for (const Entry& entry : entries) {
      if (entry.version <= version) posted = entry.posted_after;
    }
    return posted;
  };
  const std::int64_t newest = entries.empty() ? 0 : entries.back().version;
  const std::int64_t first = query.from ? last_before(*query.from) : 0;
  const std::int64_t last = std::max(first, query.to ? last_before(*query.to) : newest);

  ports::Statement statement;
  statement.opening_minor = posted_at(first);
  statement.closing_minor = posted_at(last);
  for (const Entry& entry : entries) {
    if (entry.version <= std::max(first, query.after.value_or(0))) continue;
    if (entry.version > last) break;
    if (statement.entries.size() == query.limit) {
      statement.next_after = statement.entries.back().version;
      break;
    }
    const Transaction transaction = *database_->at(entry.transaction->id);
    statement.entries.push_back(
        {.version = entry.version,
         .transaction = transaction,
         .incoming = entry.incoming,
         .change_minor = domain::posted_change(transaction, parent_type_of(transaction), entry.incoming),
         .posted_after = entry.posted_after,
         .settled_at = entry.settlement->settled_at});
  }
  return statement;
}

}  // namespace tps::reference
