#include "service/ledger_sum.hpp"

#include <algorithm>
#include <utility>

#include "domain/money.hpp"

namespace tps::service {
namespace {

using ports::StoreFault;
using ports::StoreResult;

constexpr std::chrono::seconds kPieceBudget{4};

}  // namespace

LedgerSum::LedgerSum(ports::Audit& audit, std::size_t piece, Pause pause)
    : audit_(audit), piece_(piece), pause_(std::move(pause)) {}

template <class Call>
auto LedgerSum::read(Call call) -> decltype(call(ports::Deadline{})) {
  const auto start = std::chrono::steady_clock::now();
  auto answer = call(start + kPieceBudget);
  if (!pause_(std::chrono::steady_clock::now() - start)) {
    return std::unexpected(StoreFault{StoreFault::Kind::unavailable, "given up"});
  }
  return answer;
}

StoreResult<std::map<std::string, std::int64_t>> LedgerSum::imbalance() {
  if (auto added = add_accounts(); !added) return std::unexpected(std::move(added.error()));
  const auto positions = subtract_totals();
  if (!positions) return std::unexpected(positions.error());
  for (std::uint32_t partition = 0; partition < positions->size(); ++partition) {
    auto added = add_later(partition, positions->at(partition));
    if (!added) return std::unexpected(std::move(added.error()));
  }
  return std::move(sums_);
}

StoreResult<void> LedgerSum::add_accounts() {
  std::optional<domain::AccountKey> after;
  while (true) {
    auto piece = read([&](ports::Deadline deadline) { return audit_.accounts(after, piece_, deadline); });
    if (!piece) return std::unexpected(std::move(piece.error()));
    for (const auto& [key, account] : piece->rows) {
      std::int64_t& sum = sums_[key.currency];
      sum = domain::wrapping_add(sum, account.posted);
    }
    const bool is_last = piece->rows.size() < piece_;
    if (!is_last) after = piece->rows.back().first;
    pieces_.push_back({is_last ? std::nullopt : after, std::move(piece->positions)});
    if (is_last) return {};
  }
}

// The positions that the totals include.
StoreResult<std::vector<std::int64_t>> LedgerSum::subtract_totals() {
  auto totals = read([&](ports::Deadline deadline) { return audit_.totals(deadline); });
  if (!totals) return std::unexpected(std::move(totals.error()));
  for (const auto& [place, total] : totals->rows) {
    std::int64_t& sum = sums_[place.second];
    sum = domain::wrapping_sub(sum, total.net());
  }
  return std::move(totals->positions);
}

// Adds the changes that settlements up to `position` made in pieces that were read before them.
StoreResult<void> LedgerSum::add_later(std::uint32_t partition, std::int64_t position) {
  std::int64_t after = pieces_.front().positions.at(partition);
  while (after < position) {
    const auto entries =
        read([&](ports::Deadline deadline) { return audit_.entries(partition, after, piece_, deadline); });
    if (!entries) return std::unexpected(entries.error());
    if (entries->empty()) break;
    const auto parents = parent_types(*entries);
    if (!parents) return std::unexpected(parents.error());
    for (const ports::Audit::Entry& entry : *entries) {
      const domain::Transaction& transaction = entry.transaction;
      after = transaction.id;
      if (after > position) break;
      if (!entry.settlement || entry.settlement->status != domain::Status::settled) continue;
      const auto parent = parents->find(transaction.parent_id.value_or(0));
      const auto parent_type = parent == parents->end() ? std::nullopt : std::optional(parent->second);
      add_change(payer_of(transaction), partition, after, posted_change(transaction, parent_type, false));
      const auto receiver = receiver_of(transaction);
      if (receiver) add_change(*receiver, partition, after, posted_change(transaction, parent_type, true));
    }
  }
  return {};
}

// Of reversals.
StoreResult<LedgerSum::ParentTypes> LedgerSum::parent_types(const Entries& entries) {
  std::vector<std::int64_t> ids;
  for (const ports::Audit::Entry& entry : entries) {
    const bool is_reversal = entry.transaction.type == domain::Type::reversal;
    if (is_reversal && entry.transaction.parent_id) ids.push_back(*entry.transaction.parent_id);
  }
  ParentTypes types;
  if (ids.empty()) return types;
  const auto parents = read([&](ports::Deadline deadline) { return audit_.find(ids, deadline); });
  if (!parents) return std::unexpected(parents.error());
  for (const auto& parent : *parents) {
    if (parent) types.emplace(parent->id, parent->type);
  }
  return types;
}

void LedgerSum::add_change(const domain::AccountKey& key, std::uint32_t partition, std::int64_t id,
                           std::int64_t change) {
  const auto piece =
      std::ranges::partition_point(pieces_, [&](const Piece& each) { return each.last && *each.last < key; });
  if (id <= piece->positions.at(partition)) return;
  std::int64_t& sum = sums_[key.currency];
  sum = domain::wrapping_add(sum, change);
}

}  // namespace tps::service
