#include "adapters/postgres/history.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "adapters/postgres/read.hpp"
#include "adapters/postgres/row.hpp"
#include "domain/money.hpp"

namespace tps::postgres {
namespace {

using ports::Balance;
using ports::Deadline;
using ports::StatementEntry;
using ports::StatementQuery;

// The two streams of user $2, to be narrowed to ids of one partition and to a currency. Only what is settled may be
// looked at: behind the position of settlement there could be a million others.
constexpr char kOwn[] = " FROM (SELECT partition, id FROM transaction_log WHERE user_id = $2";
constexpr char kIncoming[] =
    " FROM (SELECT partition, id FROM transaction_log WHERE to_user_id = $2 AND to_user_id IS NOT NULL";
// LATERAL with OFFSET 0 is a fence: one probe of the primary key per row, whatever the planner believes. A failed
// transaction left the account as it was, and its settlement says how that was, so it shows the way like any entry; but
// not an unprocessable one, whose account may not even have been known.
constexpr char kSettlementOfEach[] =
    " OFFSET 0) t CROSS JOIN LATERAL"
    " (SELECT * FROM settlement_log WHERE partition = t.partition AND transaction_id = t.id OFFSET 0) s"
    " WHERE s.failure_code IS DISTINCT FROM 'unprocessable'";
constexpr char kTouched[] = " AND s.to_account_version IS NOT NULL";
constexpr char kStart[] = "p.partition::bigint << 45";
constexpr auto kEnd = joined(
    "1 + coalesce((SELECT transaction_id FROM settlement_log WHERE partition = p.partition"
    " ORDER BY transaction_id DESC LIMIT 1), ",
    kStart, ")");

// The accounts of user $2 of partition $1, in currency $3 or all, after what was settled by $4 (edge 0; never, when
// NULL) and by $5 (edge 1; now, when NULL): the last entry of each stream. settled_at never runs back within a
// partition, so halving finds where it passes a time. After a thousand failures in a row the last of them stands for
// the entry before: it saw the same account (or, where the clocks of partitions differ, a slightly younger one).
constexpr auto kUntil = joined(" AND id > ", kStart, " AND id <= p.id AND currency = a.currency");
constexpr char kOwnState[] = "(SELECT s.status, s.account_version AS version, s.posted_after AS posted, s.held_after";
constexpr char kIncomingState[] =
    "(SELECT s.status, s.to_account_version AS version, s.to_posted_after AS posted, NULL";
constexpr auto kOwnUntil = joined(kUntil, " AND p.partition = $1 ORDER BY id DESC");
constexpr auto kIncomingUntil = joined(kUntil, " ORDER BY id DESC");
constexpr char kEntryFirst[] = ") each ORDER BY (status = 'f') LIMIT 1)";
constexpr auto kLastOwn =
    joined("(SELECT version, posted, held FROM (", kOwnState, " AS held", kOwn, kOwnUntil, " LIMIT 1000",
           kSettlementOfEach, " AND s.status <> 'f' ORDER BY t.id DESC LIMIT 1)", " UNION ALL ", kOwnState, kOwn,
           kOwnUntil, kSettlementOfEach, " ORDER BY t.id DESC LIMIT 1)", kEntryFirst);
constexpr auto kLastIncoming = joined(
    "(SELECT version, posted, NULL::bigint FROM (", kIncomingState, kIncoming, kIncomingUntil, " LIMIT 1000",
    kSettlementOfEach, kTouched, " AND s.status <> 'f' ORDER BY t.id DESC LIMIT 1)", " UNION ALL ", kIncomingState,
    kIncoming, kIncomingUntil, kSettlementOfEach, kTouched, " ORDER BY t.id DESC LIMIT 1)", kEntryFirst);
constexpr auto kAccountsAtText = joined(
    "WITH RECURSIVE search(edge, partition, low, high) AS ("
    " SELECT e.edge, p.partition, ",
    kStart, ", ", kEnd,
    " FROM partitions p CROSS JOIN (VALUES (0::smallint), (1::smallint)) AS e(edge)"
    " UNION ALL"
    " SELECT m.edge, m.partition, CASE WHEN s.settled_at <= m.time THEN m.middle ELSE m.low END,"
    " CASE WHEN s.settled_at <= m.time THEN m.high ELSE m.middle END"
    " FROM (SELECT *, low + (high - low) / 2 AS middle,"
    " CASE edge WHEN 0 THEN $4::timestamptz ELSE coalesce($5::timestamptz, 'infinity') END AS time"
    " FROM search WHERE high - low > 1) m"
    " CROSS JOIN LATERAL (SELECT settled_at FROM settlement_log"
    " WHERE partition = m.partition AND transaction_id = m.middle OFFSET 0) s),"
    " position AS MATERIALIZED (SELECT edge, partition, max(low) AS id FROM search GROUP BY edge, partition) "
    "SELECT p.edge, a.currency, e.version, e.posted, e.held"
    " FROM position p CROSS JOIN (SELECT currency FROM accounts"
    " WHERE partition = $1 AND user_id = $2 AND ($3::text IS NULL OR currency = $3)) a"
    " CROSS JOIN LATERAL (",
    kLastOwn, " UNION ALL ", kLastIncoming, ") e");
constexpr Statement kAccountsAt{"accounts_at", kAccountsAtText.data(), true};
enum class Edge : std::int16_t { from, to };

void queue_accounts_at(Connection& connection, std::int16_t partition, std::string_view user_id,
                       std::optional<std::string_view> currency, std::optional<domain::Timestamp> from,
                       std::optional<domain::Timestamp> to) {
  Parameters parameters;
  connection.queue(kAccountsAt, parameters.add(partition).add(user_id).add(currency).add(from).add(to));
}

// By currency; those that nothing had touched are not there, or have version 0.
std::map<std::string, Balance> read_accounts_at(const Result& rows, Edge edge) {
  std::map<std::string, Balance> accounts;
  for (int row = 0; row < rows.rows(); ++row) {
    if (rows.int2(row, 0) != static_cast<std::int16_t>(edge)) continue;
    Balance& account = accounts[std::string(rows.text(row, 1))];
    account.currency = rows.text(row, 1);
    if (rows.int8(row, 2) > account.version) {
      account.version = rows.int8(row, 2);
      account.posted = rows.int8(row, 3);
    }
    // Nothing incoming changes what is held.
    if (!rows.is_null(row, 4)) account.held = rows.int8(row, 4);
  }
  return accounts;
}

// The entries of the account ($1, $2, $3) with versions above $4 and up to $5. Halving over ids finds how far each
// stream is at these two versions: `low` has nothing above the version, `high` and what follows nothing else. Of each
// stream 10,000 rows are read; the last of so many is there even if it failed, and says how far the reading went.
constexpr char kFirstFrom[] = " AND id >= m.middle AND id < m.high AND currency = $3";
constexpr char kBetween[] = " AND id > p.low AND id <= p.high AND currency = $3";
constexpr char kNumbered[] = " s.status, row_number() OVER (ORDER BY t.id) = 10000 AS is_last";
constexpr auto kStatementEntriesText = joined(
    "WITH RECURSIVE search(edge, incoming, partition, low, high) AS ("
    " SELECT e.edge, i.incoming, p.partition, ",
    kStart, ", ", kEnd,
    " FROM partitions p CROSS JOIN (VALUES ($4::bigint), ($5::bigint)) AS e(edge)"
    " CROSS JOIN (VALUES (false), (true)) AS i(incoming) WHERE i.incoming OR p.partition = $1"
    " UNION ALL"
    " SELECT m.edge, m.incoming, m.partition, CASE WHEN e.version <= m.edge THEN e.id ELSE m.low END,"
    " CASE WHEN e.version <= m.edge THEN m.high ELSE m.middle END"
    " FROM (SELECT *, low + (high - low) / 2 AS middle FROM search WHERE high - low > 1) m"
    " LEFT JOIN LATERAL ("
    "(SELECT t.id, s.account_version AS version",
    kOwn, kFirstFrom, " AND NOT m.incoming ORDER BY id", kSettlementOfEach,
    " ORDER BY t.id LIMIT 1)"
    " UNION ALL "
    "(SELECT t.id, s.to_account_version",
    kIncoming, kFirstFrom, " AND m.incoming ORDER BY id", kSettlementOfEach, kTouched,
    " ORDER BY t.id LIMIT 1)) e ON true),"
    " place AS MATERIALIZED (SELECT incoming, partition, min(low) AS low, max(low) AS high FROM"
    " (SELECT edge, incoming, partition, max(low) AS low FROM search GROUP BY edge, incoming, partition) x"
    " GROUP BY incoming, partition) "
    "SELECT ",
    kTransactionColumns,
    ", p.incoming, e.version, e.posted, e.is_last, o.type"
    " FROM place p CROSS JOIN LATERAL ("
    "(SELECT t.id, s.account_version AS version, s.posted_after AS posted,",
    kNumbered, kOwn, kBetween, " AND NOT p.incoming ORDER BY id", kSettlementOfEach,
    " ORDER BY t.id LIMIT 10000)"
    " UNION ALL "
    "(SELECT t.id, s.to_account_version, s.to_posted_after,",
    kNumbered, kIncoming, kBetween, " AND p.incoming ORDER BY id", kSettlementOfEach, kTouched,
    " ORDER BY t.id LIMIT 10000)) e"
    " CROSS JOIN LATERAL (SELECT * FROM transaction_log WHERE partition = p.partition AND id = e.id OFFSET 0) t",
    kJoinOutcome,
    " LEFT JOIN transaction_log o ON o.partition = t.partition AND o.id = CASE WHEN t.type = 'r' THEN t.parent_id END"
    " WHERE e.status <> 'f' OR e.is_last");
constexpr Statement kStatementEntries{"entries", kStatementEntriesText.data(), true};
constexpr int kIsIncoming = kTransactionColumnCount;
constexpr int kVersion = kIsIncoming + 1;
constexpr int kPosted = kVersion + 1;
constexpr int kIsLast = kPosted + 1;
constexpr int kParentType = kIsLast + 1;

// The snapshot lives from one round trip to the next, but not for an instance that stopped in between.
constexpr auto kSettingsText =
    joined("SELECT ", kReadLimit, "set_config('idle_in_transaction_session_timeout', '3s', true), ", kPlanSettings,
           kIndexSettings);
constexpr Statement kSettings{"statement_settings", kSettingsText.data()};

Answer<StatementEntry> read_statement_entry(const Result& rows, int row) {
  auto transaction = read_transaction(rows, row);
  if (!transaction) return std::unexpected(unreadable_row(rows.int8(row, 0)));
  StatementEntry entry;
  entry.incoming = rows.boolean(row, kIsIncoming);
  entry.version = rows.int8(row, kVersion);
  entry.posted_after = rows.int8(row, kPosted);
  entry.settled_at = rows.time(row, kSettledAtColumn);
  std::optional<domain::Type> parent_type;
  if (!rows.is_null(row, kParentType)) parent_type = type_of(rows.letter(row, kParentType));
  entry.change_minor = domain::posted_change(*transaction, parent_type, entry.incoming);
  entry.transaction = std::move(*transaction);
  return entry;
}

// The entries with versions above `above` and up to `up_to`, which is lowered when there is too much between them to
// read it all. Ends the transaction, too.
Answer<std::vector<StatementEntry>> read_entries(Connection& connection, const StatementQuery& query,
                                                 std::int64_t above, std::int64_t& up_to, Deadline deadline) {
  Parameters parameters;
  parameters.add(static_cast<std::int16_t>(query.partition)).add(std::string_view(query.user_id));
  parameters.add(std::string_view(query.currency)).add(above).add(up_to);
  connection.queue(kStatementEntries, parameters);
  connection.queue(kCommit);
  auto results = connection.fly(deadline);
  if (!results) return std::unexpected(std::move(results.error()));
  const Result& rows = results->front();
  std::vector<StatementEntry> entries;
  entries.reserve(static_cast<std::size_t>(rows.rows()));
  for (int row = 0; row < rows.rows(); ++row) {
    auto entry = read_statement_entry(rows, row);
    if (!entry) return std::unexpected(std::move(entry.error()));
    connection.log_has(domain::sequence_of_id(entry->transaction.id));
    if (rows.boolean(row, kIsLast)) up_to = std::min(up_to, entry->version);
    if (entry->transaction.status != domain::Status::failed) entries.push_back(std::move(*entry));
  }
  std::erase_if(entries, [&](const StatementEntry& entry) { return entry.version > up_to; });
  std::ranges::sort(entries, {}, &StatementEntry::version);
  return entries;
}

std::optional<domain::Timestamp> just_before(std::optional<domain::Timestamp> time) {
  if (time) *time -= std::chrono::microseconds(1);
  return time;
}

}  // namespace

Answer<std::vector<Balance>> balances_at(Session& session, std::uint32_t partition, const std::string& user_id,
                                         domain::Timestamp at, Deadline deadline) {
  Connection& connection = session.connection;
  connection.queue(kReadSettings);
  queue_accounts_at(connection, static_cast<std::int16_t>(partition), user_id, std::nullopt, std::nullopt, at);
  auto results = connection.fly(deadline);
  if (!results) return std::unexpected(std::move(results.error()));
  std::vector<Balance> answer;
  for (auto& [currency, balance] : read_accounts_at((*results)[1], Edge::to)) {
    balance.available = domain::clamped_sub(balance.posted, balance.held);
    if (balance.version > 0) answer.push_back(balance);
  }
  return answer;
}

// The range is all versions after the last entry settled before `from`, up to the last one settled before `to`. (The
// clocks of two workers differ, so over several partitions settled_at alone could leave holes.)
Answer<ports::Statement> statement(Session& session, const StatementQuery& query, Deadline deadline) {
  Connection& connection = session.connection;
  connection.queue(kBeginSnapshot);
  connection.queue(kSettings);
  queue_accounts_at(connection, static_cast<std::int16_t>(query.partition), query.user_id, query.currency,
                    just_before(query.from), just_before(query.to));
  auto results = connection.fly(deadline);
  if (!results) return std::unexpected(std::move(results.error()));
  const Balance opening = read_accounts_at(results->back(), Edge::from)[query.currency];
  Balance closing = read_accounts_at(results->back(), Edge::to)[query.currency];
  if (closing.version < opening.version) closing = opening;  // `to` is before `from`

  ports::Statement statement;
  statement.opening_minor = opening.posted;
  statement.closing_minor = closing.posted;
  const std::int64_t above = std::clamp(query.after.value_or(0), opening.version, closing.version);
  const auto limit = static_cast<std::int64_t>(query.limit);
  std::int64_t up_to = closing.version - above > limit ? above + limit : closing.version;
  if (above == up_to) {
    connection.roll_back(deadline);
  } else {
    auto entries = read_entries(connection, query, above, up_to, deadline);
    if (!entries) return std::unexpected(std::move(entries.error()));
    statement.entries = std::move(*entries);
  }
  if (up_to < closing.version) statement.next_after = up_to;
  return statement;
}

}  // namespace tps::postgres
