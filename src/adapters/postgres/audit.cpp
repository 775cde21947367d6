#include "adapters/postgres/audit.hpp"

#include <algorithm>

#include "adapters/postgres/read.hpp"
#include "adapters/postgres/row.hpp"

namespace tps::postgres {

using domain::AccountKey;
using domain::Hold;
using ports::Deadline;
using ports::StoreResult;

namespace {

constexpr auto kAuditSettingsText =
    joined("SELECT set_config('statement_timeout', '5s', true), ", kPlanSettings, kIndexSettings);
constexpr Statement kAuditSettings{"audit_settings", kAuditSettingsText.data()};

constexpr Statement kPositions{
    "positions",
    "SELECT coalesce((SELECT transaction_id FROM settlement_log s WHERE s.partition = p.partition"
    " ORDER BY transaction_id DESC LIMIT 1), p.partition::bigint << 45) FROM partitions p ORDER BY p.partition"};

std::vector<std::int64_t> read_positions(const Result& rows) {
  std::vector<std::int64_t> positions;
  positions.reserve(static_cast<std::size_t>(rows.rows()));
  for (int row = 0; row < rows.rows(); ++row) positions.push_back(rows.int8(row, 0));
  return positions;
}

constexpr auto kAuditEntriesText =
    joined("SELECT ", kInstructionColumns,
           ", s.status, s.failure_code, s.settled_at, s.posted_after, s.held_after, s.account_version,"
           " s.to_posted_after, s.to_account_version, s.rules_version"
           " FROM (SELECT * FROM transaction_log WHERE partition = $1 AND id > $2 ORDER BY id LIMIT $3) t"
           " LEFT JOIN settlement_log s ON s.partition = t.partition AND s.transaction_id = t.id ORDER BY t.id");
constexpr Statement kAuditEntries{"audit_entries", kAuditEntriesText.data()};
constexpr int kAuditStatus = kInstructionColumnCount;

// The settlement of a row that has one. Clears `readable` if something in it is unknown to this binary.
domain::Settlement read_settlement(const Result& rows, int row, bool& readable) {
  domain::Settlement settlement;
  settlement.partition = static_cast<std::uint32_t>(rows.int2(row, 1));
  settlement.transaction_id = rows.int8(row, 0);
  const auto status = status_of(rows.letter(row, kAuditStatus));
  readable = readable && status.has_value();
  settlement.status = status.value_or(domain::Status::pending);
  if (!rows.is_null(row, kAuditStatus + 1)) {
    settlement.failure = domain::parse_failure(rows.text(row, kAuditStatus + 1));
    readable = readable && settlement.failure.has_value();
  }
  settlement.settled_at = rows.time(row, kAuditStatus + 2);
  settlement.posted_after = rows.int8(row, kAuditStatus + 3);
  settlement.held_after = rows.int8(row, kAuditStatus + 4);
  settlement.account_version = rows.int8(row, kAuditStatus + 5);
  settlement.to_posted_after = rows.optional_int8(row, kAuditStatus + 6);
  settlement.to_account_version = rows.optional_int8(row, kAuditStatus + 7);
  settlement.rules_version = rows.int2(row, kAuditStatus + 8);
  return settlement;
}

ports::Audit::Entry read_audit_entry(const Result& rows, int row) {
  ports::Audit::Entry entry;
  auto transaction = read_instruction(rows, row);
  entry.readable = transaction.has_value();
  entry.transaction = transaction ? std::move(*transaction) : unreadable_instruction(rows, row);
  if (rows.is_null(row, kAuditStatus)) return entry;
  entry.settlement = read_settlement(rows, row, entry.readable);
  put_on(*entry.settlement, entry.transaction);
  return entry;
}

// A piece of the settlements, and how far it goes.
constexpr Statement kOrphans{
    "orphans",
    "SELECT count(*), count(*) FILTER (WHERE t.id IS NULL), max(s.transaction_id)"
    " FROM (SELECT transaction_id FROM settlement_log WHERE partition = $1 AND transaction_id > $2"
    " ORDER BY transaction_id LIMIT $3) s"
    " LEFT JOIN transaction_log t ON t.partition = $1 AND t.id = s.transaction_id"};
constexpr std::int64_t kSettlementsOfAPiece = 100'000;

// Several partitions make accounts before they know whether anything will touch them.
constexpr Statement kAccounts{
    "audit_accounts",
    "SELECT partition, user_id, currency, posted, held, version, overdraft_limit, frozen FROM accounts"
    " WHERE (partition, user_id, currency) > ($1::smallint, $2::text, $3::text)"
    " AND (version, posted, held, overdraft_limit, frozen) <> (0, 0, 0, 0, false)"
    " ORDER BY partition, user_id, currency LIMIT $4"};

ports::Audit::AccountRow account_row(const Result& rows, int row) {
  return {AccountKey{.partition = static_cast<std::uint32_t>(rows.int2(row, 0)),
                     .user_id = std::string(rows.text(row, 1)),
                     .currency = std::string(rows.text(row, 2))},
          read_account(rows, row, 3)};
}

// An id begins with its partition, so the primary keys below are in the order of ids.
constexpr auto kHoldsText = joined("SELECT ", kHoldColumns,
                                   " FROM holds k WHERE (k.partition, k.transaction_id) > ($1::smallint, $2::bigint)"
                                   " ORDER BY k.partition, k.transaction_id LIMIT $3");
constexpr Statement kHolds{"audit_holds", kHoldsText.data()};

constexpr Statement kReversals{"audit_reversals",
                               "SELECT original_id, reversed_minor FROM reversals"
                               " WHERE (partition, original_id) > ($1::smallint, $2::bigint)"
                               " ORDER BY partition, original_id LIMIT $3"};

constexpr Statement kAuditTotals{"audit_totals",
                                 "SELECT partition, currency, deposits, withdrawals, captures, deposit_reversals,"
                                 " withdrawal_reversals FROM totals ORDER BY partition, currency"};

constexpr Statement kOpenHolds{nullptr, "SELECT count(*) FROM holds WHERE status = 'a'"};

ports::Audit::TotalsRow totals_row(const Result& rows, int row) {
  return {{static_cast<std::uint32_t>(rows.int2(row, 0)), std::string(rows.text(row, 1))}, read_totals(rows, row, 2)};
}

}  // namespace

Audit::Audit(const Options& options, const domain::Currencies& currencies, ops::Metrics& metrics)
    : session_(options, currencies, metrics) {}

StoreResult<ports::StoreIdentity> Audit::open(Deadline deadline) {
  session_.connection.close();
  if (auto usable = session_.ready(deadline); !usable) return std::unexpected(usable.error());
  return *session_.identity;
}

StoreResult<Result> Audit::read(const Statement& statement, const Parameters& parameters, Deadline deadline) {
  return session_.reading(deadline, [&]() -> Answer<Result> {
    session_.connection.queue(kBeginSnapshot);
    session_.connection.queue(kAuditSettings);
    session_.connection.queue(statement, parameters);
    session_.connection.queue(kCommit);
    auto results = session_.connection.fly(deadline);
    if (!results) return std::unexpected(std::move(results.error()));
    return std::move((*results)[2]);
  });
}

template <class Row, class RowOf>
StoreResult<ports::Audit::Piece<Row>> Audit::piece(const Statement& statement, const Parameters& parameters,
                                                   RowOf row_of, Deadline deadline) {
  return session_.reading(deadline, [&]() -> Answer<Piece<Row>> {
    session_.connection.queue(kBeginSnapshot);
    session_.connection.queue(kAuditSettings);
    session_.connection.queue(kPositions);
    session_.connection.queue(statement, parameters);
    session_.connection.queue(kCommit);
    auto results = session_.connection.fly(deadline);
    if (!results) return std::unexpected(std::move(results.error()));
    const Result& rows = (*results)[3];
    Piece<Row> piece;
    piece.positions = read_positions((*results)[2]);
    for (int row = 0; row < rows.rows(); ++row) piece.rows.push_back(row_of(rows, row));
    return piece;
  });
}

StoreResult<std::vector<std::int64_t>> Audit::positions(Deadline deadline) {
  const auto rows = read(kPositions, {}, deadline);
  if (!rows) return std::unexpected(rows.error());
  return read_positions(*rows);
}

StoreResult<std::vector<Audit::Entry>> Audit::entries(std::uint32_t partition, std::int64_t after, std::size_t max,
                                                      Deadline deadline) {
  Parameters parameters;
  parameters.add(static_cast<std::int16_t>(partition)).add(after).add(static_cast<std::int64_t>(max));
  const auto rows = read(kAuditEntries, parameters, deadline);
  if (!rows) return std::unexpected(rows.error());
  std::vector<Entry> entries;
  entries.reserve(static_cast<std::size_t>(rows->rows()));
  for (int row = 0; row < rows->rows(); ++row) entries.push_back(read_audit_entry(*rows, row));
  return entries;
}

StoreResult<std::int64_t> Audit::orphans(std::uint32_t partition, Deadline deadline) {
  std::int64_t orphans = 0;
  for (std::int64_t after = domain::id_before_first(partition);;) {
    Parameters parameters;
    parameters.add(static_cast<std::int16_t>(partition)).add(after).add(kSettlementsOfAPiece);
    const auto rows = read(kOrphans, parameters, deadline);
    if (!rows) return std::unexpected(rows.error());
    orphans += rows->int8(0, 1);
    if (rows->int8(0, 0) < kSettlementsOfAPiece) return orphans;
    after = rows->int8(0, 2);
  }
}

StoreResult<Audit::Piece<Audit::AccountRow>> Audit::accounts(const std::optional<AccountKey>& after, std::size_t max,
                                                             Deadline deadline) {
  const AccountKey start = after.value_or(AccountKey{});
  const auto partition = static_cast<std::int16_t>(after ? static_cast<int>(start.partition) : -1);
  Parameters parameters;
  parameters.add(partition).add(std::string_view(start.user_id)).add(std::string_view(start.currency));
  return piece<AccountRow>(kAccounts, parameters.add(static_cast<std::int64_t>(max)), account_row, deadline);
}

StoreResult<Audit::Piece<Hold>> Audit::holds(std::int64_t after, std::size_t max, Deadline deadline) {
  Parameters parameters;
  parameters.add(static_cast<std::int16_t>(domain::partition_of_id(after))).add(after);
  const auto row_of = [](const Result& rows, int row) { return read_hold(rows, row, 0); };
  return piece<Hold>(kHolds, parameters.add(static_cast<std::int64_t>(max)), row_of, deadline);
}

StoreResult<Audit::Piece<Audit::ReversalRow>> Audit::reversals(std::int64_t after, std::size_t max, Deadline deadline) {
  Parameters parameters;
  parameters.add(static_cast<std::int16_t>(domain::partition_of_id(after))).add(after);
  const auto row_of = [](const Result& rows, int row) { return ReversalRow{rows.int8(row, 0), rows.int8(row, 1)}; };
  return piece<ReversalRow>(kReversals, parameters.add(static_cast<std::int64_t>(max)), row_of, deadline);
}

StoreResult<Audit::Piece<Audit::TotalsRow>> Audit::totals(Deadline deadline) {
  return piece<TotalsRow>(kAuditTotals, {}, totals_row, deadline);
}

StoreResult<std::int64_t> Audit::open_holds(Deadline deadline) {
  const auto rows = read(kOpenHolds, {}, deadline);
  if (!rows) return std::unexpected(rows.error());
  return rows->int8(0, 0);
}

StoreResult<std::vector<std::optional<domain::Transaction>>> Audit::find(std::span<const std::int64_t> ids,
                                                                         Deadline deadline) {
  return session_.reading(deadline, [&] { return postgres::find(session_, ids, deadline); });
}

}  // namespace tps::postgres
