#include "adapters/postgres/parents.hpp"

#include <algorithm>

#include "adapters/postgres/row.hpp"

namespace tps::postgres {
namespace {

// Looking at the batch a second time costs about a tenth of reading it, and the tables of the parents are touched for
// children only. A parent is `t`, its own hold `h`; `k` is the hold that a capture, void or expiry ends. A transaction
// behind the position has no effect yet that could be reversed.
constexpr auto kParentsText =
    joined("SELECT ", kTransactionColumns, ", ", kHoldColumns,
           ", c.parent_id, r.reversed_minor"
           " FROM (SELECT coalesce((SELECT transaction_id FROM settlement_log"
           " WHERE partition = $1 ORDER BY transaction_id DESC LIMIT 1), 0) AS id) p"
           " CROSS JOIN LATERAL (SELECT type, parent_id FROM (SELECT type, parent_id FROM transaction_log"
           " WHERE partition = $1 AND id > p.id ORDER BY id LIMIT $2) b WHERE parent_id IS NOT NULL OFFSET 0) c"
           " LEFT JOIN holds k ON k.partition = $1 AND k.transaction_id = CASE WHEN c.type <> 'r' THEN c.parent_id END"
           " LEFT JOIN reversals r ON r.partition = $1 AND r.original_id = CASE WHEN c.type = 'r' THEN c.parent_id END"
           " LEFT JOIN transaction_log t ON t.partition = $1 AND t.id <= p.id"
           " AND t.id = CASE WHEN c.type = 'r' THEN c.parent_id END",
           kJoinOutcome);
constexpr Statement kParents{"parents", kParentsText.data(), true};
constexpr int kHold = kTransactionColumnCount;
constexpr int kParentId = kHold + kHoldColumnCount;
constexpr int kReversed = kParentId + 1;

}  // namespace

bool has_children(const domain::SettlementInput& input) {
  return std::ranges::any_of(input.transactions,
                             [](const domain::Transaction& transaction) { return transaction.parent_id.has_value(); });
}

void queue_parents(Connection& connection, std::int16_t partition, std::size_t max) {
  Parameters parameters;
  connection.queue(kParents, parameters.add(partition).add(static_cast<std::int64_t>(max)));
}

void read_parents(const Result& rows, domain::SettlementInput& input) {
  for (int row = 0; row < rows.rows(); ++row) {
    const std::int64_t parent_id = rows.int8(row, kParentId);
    if (!rows.is_null(row, kHold)) input.holds.try_emplace(parent_id, read_hold(rows, row, kHold));
    if (!rows.is_null(row, kReversed)) input.reversals.try_emplace(parent_id, rows.int8(row, kReversed));
    if (!rows.is_null(row, 0)) {
      if (auto parent = read_transaction(rows, row)) input.parents.try_emplace(parent_id, std::move(*parent));
    }
  }
}

}  // namespace tps::postgres
