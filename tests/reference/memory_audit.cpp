#include "reference/memory_audit.hpp"

#include <algorithm>

namespace tps::reference {
namespace {

using ports::Deadline;
using ports::StoreResult;

// The first `max` in the order of their keys.
template <class Row>
void cut(std::vector<Row>& rows, std::size_t max) {
  std::ranges::sort(rows, {}, [](const Row& row) { return row.first; });
  if (rows.size() > max) rows.resize(max);
}

}  // namespace

MemoryAudit::MemoryAudit(std::shared_ptr<MemoryDatabase> database) : database_(std::move(database)) {}

StoreResult<ports::StoreIdentity> MemoryAudit::open(Deadline) { return database_->identity_; }

std::vector<std::int64_t> MemoryAudit::positions_now() const {
  std::vector<std::int64_t> positions;
  positions.reserve(database_->partitions_.size());
  for (std::uint32_t partition = 0; partition < database_->partitions_.size(); ++partition) {
    positions.push_back(domain::id_before_first(partition) +
                        static_cast<std::int64_t>(database_->partitions_[partition].settlements.size()));
  }
  return positions;
}

StoreResult<std::vector<std::int64_t>> MemoryAudit::positions(Deadline) {
  const std::lock_guard guard(database_->mutex_);
  return positions_now();
}

StoreResult<std::vector<MemoryAudit::Entry>> MemoryAudit::entries(std::uint32_t partition, std::int64_t after,
                                                                  std::size_t max, Deadline) {
  const std::lock_guard guard(database_->mutex_);
  std::vector<Entry> entries;
  if (partition >= database_->partitions_.size()) return entries;
  const MemoryDatabase::Partition& from = database_->partitions_[partition];
  for (std::size_t i = 0; i < from.log.size() && entries.size() < max; ++i) {
    if (from.log[i].id <= after) continue;
    Entry& entry = entries.emplace_back();
    entry.transaction = from.log[i];
    if (i >= from.settlements.size()) continue;
    entry.settlement = from.settlements[i];
    put_on(*entry.settlement, entry.transaction);
  }
  return entries;
}

StoreResult<std::int64_t> MemoryAudit::orphans(std::uint32_t, Deadline) { return 0; }

StoreResult<MemoryAudit::Piece<MemoryAudit::AccountRow>> MemoryAudit::accounts(
    const std::optional<domain::AccountKey>& after, std::size_t max, Deadline) {
  const std::lock_guard guard(database_->mutex_);
  Piece<AccountRow> piece{.positions = positions_now(), .rows = {}};
  for (const auto& row : database_->accounts_) {
    if (!after || row.first > *after) piece.rows.emplace_back(row);
  }
  cut(piece.rows, max);
  return piece;
}

StoreResult<MemoryAudit::Piece<domain::Hold>> MemoryAudit::holds(std::int64_t after, std::size_t max, Deadline) {
  const std::lock_guard guard(database_->mutex_);
  Piece<domain::Hold> piece{.positions = positions_now(), .rows = {}};
  std::vector<std::pair<std::int64_t, domain::Hold>> rows;
  for (const auto& row : database_->holds_) {
    if (row.first > after) rows.emplace_back(row);
  }
  cut(rows, max);
  for (auto& [id, hold] : rows) piece.rows.push_back(std::move(hold));
  return piece;
}

StoreResult<MemoryAudit::Piece<MemoryAudit::ReversalRow>> MemoryAudit::reversals(std::int64_t after, std::size_t max,
                                                                                 Deadline) {
  const std::lock_guard guard(database_->mutex_);
  Piece<ReversalRow> piece{.positions = positions_now(), .rows = {}};
  for (const auto& row : database_->reversals_) {
    if (row.first > after) piece.rows.emplace_back(row);
  }
  cut(piece.rows, max);
  return piece;
}

StoreResult<MemoryAudit::Piece<MemoryAudit::TotalsRow>> MemoryAudit::totals(Deadline) {
  const std::lock_guard guard(database_->mutex_);
  Piece<TotalsRow> piece{.positions = positions_now(), .rows = {}};
  for (std::uint32_t partition = 0; partition < database_->partitions_.size(); ++partition) {
    for (const auto& [currency, totals] : database_->partitions_[partition].totals) {
      piece.rows.push_back({{partition, currency}, totals});
    }
  }
  return piece;
}

StoreResult<std::int64_t> MemoryAudit::open_holds(Deadline) {
  const std::lock_guard guard(database_->mutex_);
  return std::ranges::count_if(database_->holds_,
                               [](const auto& row) { return row.second.status == domain::Status::authorized; });
}

StoreResult<std::vector<std::optional<domain::Transaction>>> MemoryAudit::find(std::span<const std::int64_t> ids,
                                                                               Deadline) {
  const std::lock_guard guard(database_->mutex_);
  std::vector<std::optional<domain::Transaction>> found;
  found.reserve(ids.size());
  for (const std::int64_t id : ids) found.push_back(database_->at(id));
  return found;
}

}  // namespace tps::reference
