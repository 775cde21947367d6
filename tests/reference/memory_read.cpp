// MemoryStore: balances, holds to expire, and what operators watch.
#include <algorithm>
#include <limits>
#include <map>

#include "domain/money.hpp"
#include "ports/store.hpp"
#include "reference/memory_store.hpp"

namespace tps::reference {
namespace {

using domain::Transaction;
using ports::Balance;
using ports::StoreResult;

std::int64_t saturated_add(std::int64_t a, std::int64_t b) {
  if (const auto sum = domain::checked_add(a, b)) return *sum;
  return b > 0 ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
}

}  // namespace

std::optional<domain::Type> MemoryStore::parent_type_of(const Transaction& child) const {
  if (child.type != domain::Type::reversal || !child.parent_id) return std::nullopt;
  const auto parent = database_->at(*child.parent_id);
  return parent ? std::optional(parent->type) : std::nullopt;
}

StoreResult<std::vector<Balance>> MemoryStore::balances(std::uint32_t partition, const std::string& user_id,
                                                        ports::Deadline) {
  const std::lock_guard guard(database_->mutex_);
  std::map<std::string, Balance> balances;
  for (const auto& [key, account] : database_->accounts_) {
    if (key.partition != partition || key.user_id != user_id) continue;
    balances[key.currency] = {.currency = key.currency,
                              .posted = account.posted,
                              .held = account.held,
                              .available = account.posted - account.held,
                              .pending = 0,
                              .version = account.version,
                              .overdraft_limit = account.overdraft_limit,
                              .frozen = account.frozen};
  }
  for (const MemoryDatabase::Partition& log : database_->partitions_) {
    for (std::size_t i = log.settlements.size(); i < log.log.size(); ++i) {
      const Transaction& transaction = log.log[i];
      const bool incoming = transaction.to_user_id == user_id;
      if (transaction.user_id != user_id && !incoming) continue;
      const std::int64_t change = domain::posted_change(transaction, parent_type_of(transaction), incoming);
      if (incoming && change == 0) continue;  // a hold does not touch who would receive it
      Balance& balance = balances[transaction.currency];
      balance.currency = transaction.currency;
      balance.pending = saturated_add(balance.pending, change);
    }
  }
  std::vector<Balance> result;
  result.reserve(balances.size());
  for (const auto& [currency, balance] : balances) result.push_back(balance);
  return result;
}

StoreResult<ports::DueHolds> MemoryStore::expired_holds(std::uint32_t partition, domain::Timestamp now,
                                                        const ports::HoldPosition& after, std::size_t max,
                                                        ports::Deadline) {
  const std::lock_guard guard(database_->mutex_);
  std::vector<ports::HoldPosition> expired;
  for (const auto& [id, hold] : database_->holds_) {
    const bool is_open = hold.status == domain::Status::authorized && domain::partition_of_id(id) == partition;
    const ports::HoldPosition place{hold.expires_at, id};
    if (is_open && hold.expires_at <= now && place > after) expired.push_back(place);
  }
  std::ranges::sort(expired);
  if (expired.size() > max) expired.resize(max);
  ports::DueHolds due;
  for (const ports::HoldPosition& place : expired) due.holds.push_back(*database_->at(place.id));
  if (!expired.empty() && expired.size() >= max) due.next = expired.back();
  return due;
}

StoreResult<ports::Store::Backlog> MemoryStore::backlog(std::uint32_t partition, ports::Deadline) {
  const std::lock_guard guard(database_->mutex_);
  if (partition >= database_->partitions_.size()) {
    return std::unexpected(ports::StoreFault{ports::StoreFault::Kind::unavailable, "there is no such partition"});
  }
  const MemoryDatabase::Partition& of = database_->partitions_[partition];
  const std::size_t position = of.settlements.size();
  Backlog backlog{.pending = static_cast<std::int64_t>(of.log.size() - position), .oldest = {}, .newest = {}};
  if (position < of.log.size()) backlog.oldest = of.log[position].created_at;
  if (!of.log.empty()) backlog.newest = of.log.back().created_at;
  return backlog;
}

}  // namespace tps::reference
