#include "adapters/sqlite/audit.hpp"

#include <algorithm>

#include "adapters/sqlite/read.hpp"
#include "adapters/sqlite/row.hpp"
#include "adapters/sqlite/settle.hpp"

namespace tps::sqlite {
namespace {

using ports::Deadline;
using ports::StoreResult;

// How many settlements are looked at in one transaction.
constexpr std::int64_t kOrphansPiece = 50'000;

}  // namespace

Audit::Audit(std::string path, const domain::Currencies& currencies) : reader_(std::move(path), currencies) {}

StoreResult<ports::StoreIdentity> Audit::open(Deadline deadline) { return reader_.open(deadline); }

StoreResult<std::vector<std::int64_t>> Audit::positions_now(Connection& connection) const {
  std::vector<std::int64_t> positions;
  for (std::uint32_t partition = 0; partition < reader_.identity().partitions; ++partition) {
    const auto position = position_of(connection, partition);
    if (!position) return std::unexpected(position.error());
    positions.push_back(position->id);
  }
  return positions;
}

template <class Row, class Read>
StoreResult<ports::Audit::Piece<Row>> Audit::piece(Deadline deadline, Read read) {
  const auto connection = reader_.ready(deadline);
  if (!connection) return std::unexpected(connection.error());
  const DatabaseTransaction snapshot(**connection, DatabaseTransaction::Kind::read);
  if (snapshot.begin_code() != SQLITE_OK) return std::unexpected((*connection)->fault(snapshot.begin_code()));
  auto positions = positions_now(**connection);
  if (!positions) return std::unexpected(positions.error());
  Piece<Row> piece{.positions = std::move(*positions), .rows = {}};
  const int code = read(**connection, piece.rows);
  if (code != SQLITE_DONE) return std::unexpected((*connection)->fault(code));
  return piece;
}

StoreResult<std::vector<std::int64_t>> Audit::positions(Deadline deadline) {
  auto all = piece<std::int64_t>(deadline, [](Connection&, std::vector<std::int64_t>&) { return SQLITE_DONE; });
  if (!all) return std::unexpected(all.error());
  return std::move(all->positions);
}

namespace {

const std::string kEntries = select_with_settlements("WHERE t.id > ?1 AND t.id < ?2 ORDER BY t.id LIMIT ?3");

// False: a word is unknown; the status is then none that is ever recorded.
bool read_settlement(const Statement& row, domain::Settlement& settlement) {
  using Column = TransactionColumn;
  settlement.partition = static_cast<std::uint32_t>(row.integer(2));
  settlement.transaction_id = row.integer(Column::kId);
  settlement.settled_at = row.time(Column::kSettledAt);
  settlement.posted_after = row.integer(Column::kPostedAfter);
  settlement.held_after = row.integer(Column::kPostedAfter + 1);
  settlement.account_version = row.integer(Column::kPostedAfter + 2);
  settlement.to_posted_after = row.optional_integer(Column::kPostedAfter + 3);
  settlement.to_account_version = row.optional_integer(Column::kPostedAfter + 4);
  settlement.rules_version = static_cast<int>(row.integer(Column::kPostedAfter + 5));
  const auto status = domain::parse_status(row.text(Column::kStatus));
  settlement.status = status.value_or(domain::Status::pending);
  const bool has_failure = !row.is_null(Column::kFailure);
  if (has_failure) settlement.failure = domain::parse_failure(row.text(Column::kFailure));
  return status && has_failure == settlement.failure.has_value();
}

ports::Audit::Entry read_entry(const Statement& row) {
  ports::Audit::Entry entry;
  auto transaction = read_transaction(row);
  if (!row.is_null(TransactionColumn::kStatus)) {
    entry.readable = read_settlement(row, entry.settlement.emplace());
    // Also of an authorized one, whose end its hold would tell.
    if (transaction) transaction->settled_at = entry.settlement->settled_at;
  }
  if (!transaction) entry.readable = false;
  entry.transaction = transaction ? std::move(*transaction) : unreadable_transaction(row);
  return entry;
}

}  // namespace

StoreResult<std::vector<ports::Audit::Entry>> Audit::entries(std::uint32_t partition, std::int64_t after,
                                                             std::size_t max, Deadline deadline) {
  auto read = piece<Entry>(deadline, [&](Connection& connection, std::vector<Entry>& rows) {
    Use use(connection.statement(kEntries));
    use->bind(1, std::max(after, domain::id_before_first(partition)));
    use->bind(2, domain::id_before_first(partition + 1));
    use->bind(3, static_cast<std::int64_t>(max));
    int code = SQLITE_OK;
    while ((code = use->step()) == SQLITE_ROW) rows.push_back(read_entry(*use));
    return code;
  });
  if (!read) return std::unexpected(read.error());
  return std::move(read->rows);
}

namespace {

constexpr std::string_view kOrphans =
    "SELECT max(id), sum(orphan) FROM (SELECT s.transaction_id AS id, NOT EXISTS ("
    "SELECT 1 FROM transaction_log t WHERE t.id = s.transaction_id) AS orphan FROM settlement_log s"
    " WHERE s.transaction_id > ?1 AND s.transaction_id < ?2 ORDER BY s.transaction_id LIMIT ?3)";

}  // namespace

StoreResult<std::int64_t> Audit::orphans(std::uint32_t partition, Deadline deadline) {
  std::int64_t orphans = 0;
  std::int64_t after = domain::id_before_first(partition);
  while (true) {
    const auto connection = reader_.ready(deadline);
    if (!connection) return std::unexpected(connection.error());
    Use use((*connection)->statement(kOrphans));
    use->bind(1, after);
    use->bind(2, domain::id_before_first(partition + 1));
    use->bind(3, kOrphansPiece);
    if (const int code = use->step(); code != SQLITE_ROW) return std::unexpected((*connection)->fault(code));
    if (use->is_null(0)) return orphans;
    after = use->integer(0);
    orphans += use->integer(1);
  }
}

namespace {

constexpr std::string_view kAccounts =
    "SELECT partition, user_id, currency, posted, held, version, overdraft_limit, frozen FROM accounts"
    " WHERE (partition, user_id, currency) > (?1, ?2, ?3) ORDER BY partition, user_id, currency LIMIT ?4";

}  // namespace

StoreResult<ports::Audit::Piece<ports::Audit::AccountRow>> Audit::accounts(
    const std::optional<domain::AccountKey>& after, std::size_t max, Deadline deadline) {
  return piece<AccountRow>(deadline, [&](Connection& connection, std::vector<AccountRow>& rows) {
    const domain::AccountKey start = after.value_or(domain::AccountKey{});
    Use use(connection.statement(kAccounts));
    use->bind(1, after ? std::int64_t{start.partition} : -1);
    use->bind(2, start.user_id);
    use->bind(3, start.currency);
    use->bind(4, static_cast<std::int64_t>(max));
    int code = SQLITE_OK;
    while ((code = use->step()) == SQLITE_ROW) {
      rows.push_back(
          {{static_cast<std::uint32_t>(use->integer(0)), std::string(use->text(1)), std::string(use->text(2))},
           read_account(*use, 3)});
    }
    return code;
  });
}

namespace {

const std::string kHolds = select_holds("WHERE transaction_id > ?1 ORDER BY transaction_id LIMIT ?2");

}  // namespace

StoreResult<ports::Audit::Piece<domain::Hold>> Audit::holds(std::int64_t after, std::size_t max, Deadline deadline) {
  return piece<domain::Hold>(deadline, [&](Connection& connection, std::vector<domain::Hold>& rows) {
    Use use(connection.statement(kHolds));
    use->bind(1, after);
    use->bind(2, static_cast<std::int64_t>(max));
    int code = SQLITE_OK;
    while ((code = use->step()) == SQLITE_ROW) rows.push_back(read_hold(*use));
    return code;
  });
}

namespace {

constexpr std::string_view kReversals =
    "SELECT original_id, reversed_minor FROM reversals WHERE original_id > ?1 ORDER BY original_id LIMIT ?2";

}  // namespace

StoreResult<ports::Audit::Piece<ports::Audit::ReversalRow>> Audit::reversals(std::int64_t after, std::size_t max,
                                                                             Deadline deadline) {
  return piece<ReversalRow>(deadline, [&](Connection& connection, std::vector<ReversalRow>& rows) {
    Use use(connection.statement(kReversals));
    use->bind(1, after);
    use->bind(2, static_cast<std::int64_t>(max));
    int code = SQLITE_OK;
    while ((code = use->step()) == SQLITE_ROW) rows.emplace_back(use->integer(0), use->integer(1));
    return code;
  });
}

namespace {

constexpr std::string_view kAuditTotals =
    "SELECT partition, currency, deposits, withdrawals, captures, deposit_reversals, withdrawal_reversals FROM totals"
    " ORDER BY partition, currency";

}  // namespace

StoreResult<ports::Audit::Piece<ports::Audit::TotalsRow>> Audit::totals(Deadline deadline) {
  return piece<TotalsRow>(deadline, [](Connection& connection, std::vector<TotalsRow>& rows) {
    Use use(connection.statement(kAuditTotals));
    int code = SQLITE_OK;
    while ((code = use->step()) == SQLITE_ROW) {
      rows.push_back({{static_cast<std::uint32_t>(use->integer(0)), std::string(use->text(1))}, read_totals(*use, 2)});
    }
    return code;
  });
}

namespace {

constexpr std::string_view kOpenHolds = "SELECT count(*) FROM holds WHERE status = 'authorized'";

}  // namespace

StoreResult<std::int64_t> Audit::open_holds(Deadline deadline) {
  const auto connection = reader_.ready(deadline);
  if (!connection) return std::unexpected(connection.error());
  Use use((*connection)->statement(kOpenHolds));
  if (const int code = use->step(); code != SQLITE_ROW) return std::unexpected((*connection)->fault(code));
  return use->integer(0);
}

StoreResult<std::vector<std::optional<domain::Transaction>>> Audit::find(std::span<const std::int64_t> ids,
                                                                         Deadline deadline) {
  const auto connection = reader_.ready(deadline);
  if (!connection) return std::unexpected(connection.error());
  return sqlite::find(**connection, ids);
}

}  // namespace tps::sqlite
