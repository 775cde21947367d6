#include "adapters/postgres/flight.hpp"

#include <algorithm>
#include <vector>

#include "adapters/postgres/insert.hpp"
#include "adapters/postgres/row.hpp"
#include "domain/clock.hpp"

namespace tps::postgres {

using domain::Acceptance;
using domain::Submission;
using ports::Deadline;

const Statement kLockPartition{"lock_partition", "SELECT 1 FROM partitions WHERE partition = $1 FOR UPDATE"};

namespace {

constexpr std::string_view kLockNotAvailable = "55P03";

// The xid exists since the lock was taken. Always prepared (planning it took a fifth of a flight of one): the primary
// key read backwards is the only way in that needs no sort, whatever the planner believes.
constexpr Statement kLogEnd{"log_end",
                            "SELECT e.id, e.created_at, pg_current_xact_id(), clock_timestamp()"
                            " FROM (SELECT 1) one LEFT JOIN (SELECT id, created_at FROM transaction_log"
                            " WHERE partition = $1 ORDER BY id DESC LIMIT 1) e ON true"};

// LATERAL with OFFSET 0 is a fence: one probe of the unique index per key, whatever the planner believes.
constexpr auto kFindKeysText =
    joined("SELECT ", kTransactionColumns,
           " FROM unnest($2::bytea[]) AS k(hash) CROSS JOIN LATERAL (SELECT * FROM transaction_log"
           " WHERE partition = $1 AND idempotency_hash = k.hash AND idempotency_hash IS NOT NULL OFFSET 0) t",
           kJoinOutcome);
constexpr Statement kFindKeys{"find_keys", kFindKeysText.data(), true};

constexpr Statement kFindReferences{
    "find_references",
    "SELECT t.user_id, t.reference, t.id FROM unnest($2::text[], $3::text[]) AS k(user_id, reference)"
    " CROSS JOIN LATERAL (SELECT * FROM transaction_log WHERE partition = $1 AND user_id = k.user_id"
    " AND reference = k.reference AND reference IS NOT NULL OFFSET 0) t",
    true};

// The instructions of the parents that submissions were made from; these never change.
constexpr auto kFindParentsText =
    joined("SELECT ", kInstructionColumns,
           " FROM unnest($2::bigint[]) AS k(id) CROSS JOIN LATERAL (SELECT * FROM transaction_log"
           " WHERE partition = $1 AND id = k.id OFFSET 0) t");
constexpr Statement kFindParents{"find_parents", kFindParentsText.data(), true};

bool has_parents(FlightSpan flight) {
  return std::ranges::any_of(flight, [](const Submission* item) { return item->parent != nullptr; });
}

void queue_parents_of_flight(Connection& connection, std::int16_t partition, FlightSpan flight) {
  Array ids(Type::int8);
  for (const Submission* item : flight) {
    if (item->parent) ids.add(item->parent->id);
  }
  Parameters parameters;
  connection.queue(kFindParents, parameters.add(partition).add(ids));
}

void take_parents(const Result& rows, domain::Existing& existing) {
  for (int row = 0; row < rows.rows(); ++row) {
    if (auto parent = read_instruction(rows, row)) existing.parents.emplace(parent->id, std::move(*parent));
  }
}

// Where the log ends after a flight that was accepted up to `id`.
ports::History::Seen seen_last(FlightSpan flight, std::int64_t id) {
  const auto is_last = [id](const Submission* item) { return item->transaction.id == id; };
  const auto last = std::ranges::find_if(flight, is_last);
  return {domain::partition_of_id(id), id, (*last)->transaction.created_at};
}

bool has_references(FlightSpan flight) {
  return std::ranges::any_of(flight, [](const Submission* item) { return item->transaction.reference.has_value(); });
}

void queue_references(Connection& connection, std::int16_t partition, FlightSpan flight) {
  Array users(Type::text);
  Array references(Type::text);
  for (const Submission* item : flight) {
    if (!item->transaction.reference) continue;
    users.add(std::string_view(item->transaction.user_id));
    references.add(item->transaction.reference);
  }
  Parameters parameters;
  connection.queue(kFindReferences, parameters.add(partition).add(users).add(references));
}

Landing landing_of(const Fault& fault) {
  if (fault.about_a_value()) return Landing::value_refused;
  if (fault.worth_repeating() || fault.kind == Fault::Kind::lost) return Landing::repeat;
  return fault.sqlstate == kLockNotAvailable ? Landing::blocked : Landing::failed;
}

Landing landed(Landing landing, FlightRecord& record, ports::StoreFault fault) {
  record.fault = std::move(fault);
  return landing;
}

ports::StoreFault uncommitted(std::string detail) { return {ports::StoreFault::Kind::unavailable, std::move(detail)}; }

// Round trip 1. Leaves the transaction open when it answers `committed`.
Landing take_off(Session& session, FlightSpan flight, domain::Timestamp now, FlightRecord& record,
                 domain::Existing& existing, Deadline deadline) {
  Connection& connection = session.connection;
  const auto partition = static_cast<std::int16_t>(flight.front()->transaction.partition);
  const bool with_keys = has_keys(flight);
  const bool with_parents = has_parents(flight);
  const bool with_references = has_references(flight);
  Parameters parameters;
  parameters.add(partition);
  connection.queue(kBegin);
  connection.queue(kWriteSettings);
  connection.queue(kLockPartition, parameters);
  connection.queue(kLogEnd, parameters);
  if (with_keys) queue_keys(connection, partition, flight);
  if (with_parents) queue_parents_of_flight(connection, partition, flight);
  if (with_references) queue_references(connection, partition, flight);
  auto results = connection.fly(deadline);
  if (!results) {
    recover(connection, results.error(), deadline);
    return landed(landing_of(results.error()), record, store_fault(results.error()));
  }
  const Result& lock = (*results)[2];
  const Result& end = (*results)[3];
  if (lock.rows() != 1) {
    connection.roll_back(deadline);
    return landed(Landing::failed, record,
                  {ports::StoreFault::Kind::incompatible, "the table partitions has lost the row of this partition"});
  }
  if (with_keys && !read_keys((*results)[4], existing)) {
    connection.roll_back(deadline);
    return landed(Landing::failed, record, uncommitted("a row is newer than this tps"));
  }
  const bool empty = end.is_null(0, 0);
  record.last_id = empty ? domain::id_before_first(flight.front()->transaction.partition) : end.int8(0, 0);
  connection.log_has(domain::sequence_of_id(record.last_id));
  record.last_created_at = empty ? domain::Timestamp{} : end.time(0, 1);
  record.xid = end.int8(0, 2);
  if (session.history->lacks({flight.front()->transaction.partition, record.last_id, record.last_created_at})) {
    session.history->lost();  // so the next attempt connects anew and settles which epoch this is
    connection.roll_back(deadline);
    return Landing::repeat;
  }
  if (session.compare_clock) {
    if (const auto wrong = domain::clock_fault(now, end.time(0, 3), record.last_created_at)) {
      connection.roll_back(deadline);
      return landed(Landing::failed, record, {ports::StoreFault::Kind::clock_wrong, sentence(*wrong)});
    }
  }
  if (with_parents) take_parents((*results)[with_keys ? 5 : 4], existing);
  if (with_references) {
    const Result& rows = results->back();
    for (int row = 0; row < rows.rows(); ++row) {
      existing.by_reference.emplace(std::pair{rows.text(row, 0), rows.text(row, 1)}, rows.int8(row, 2));
    }
  }
  return Landing::committed;
}

}  // namespace

bool has_keys(FlightSpan flight) {
  return std::ranges::any_of(flight,
                             [](const Submission* item) { return item->transaction.idempotency_hash.has_value(); });
}

void queue_keys(Connection& connection, std::int16_t partition, FlightSpan flight) {
  Array hashes(Type::bytea);
  for (const Submission* item : flight) {
    if (item->transaction.idempotency_hash) hashes.add(item->transaction.idempotency_hash);
  }
  Parameters parameters;
  connection.queue(kFindKeys, parameters.add(partition).add(hashes));
}

bool read_keys(const Result& rows, domain::Existing& existing) {
  for (int row = 0; row < rows.rows(); ++row) {
    auto transaction = read_transaction(rows, row);
    if (!transaction || !transaction->idempotency_hash) return false;
    const domain::Hash128 key = *transaction->idempotency_hash;
    existing.by_key.emplace(key, std::move(*transaction));
  }
  return true;
}

Landing fly_once(Session& session, FlightSpan flight, domain::Timestamp now, Deadline deadline, FlightRecord& record) {
  domain::Existing existing;
  if (const Landing start = take_off(session, flight, now, record, existing, deadline); start != Landing::committed) {
    return start;
  }
  const std::size_t accepted = domain::accept(flight, existing, record.last_id, record.last_created_at, now);

  Connection& connection = session.connection;
  std::vector<std::string> first_uses;
  if (accepted != 0) first_uses = queue_insert(session, flight);
  record.records_currencies = !first_uses.empty();
  // Without anything to insert this is no formality: the lock was written to the WAL, so COMMIT waits until all before
  // it, the transactions that are replayed now among them, is on disk and on the synchronous standby.
  connection.queue(kCommit);
  const auto results = connection.fly(deadline);
  if (results && results->back().tag() == "COMMIT" && connection.warning().empty()) {
    session.recorded_currencies.insert(first_uses.begin(), first_uses.end());
    const auto added = static_cast<std::int64_t>(accepted);
    if (added > 0) session.history->saw(seen_last(flight, record.last_id + added), session.generation);
    return Landing::committed;
  }
  if (results) {
    const bool rolled_back = results->back().tag() != "COMMIT";
    const std::string detail = "COMMIT was answered with " + std::string(results->back().tag()) + ": ";
    record.fault = uncommitted(detail + std::string(connection.warning()));
    connection.close();
    return rolled_back ? Landing::failed : Landing::in_doubt;
  }
  record.fault = store_fault(results.error());
  // An ERROR, of COMMIT itself too, means that nothing was committed.
  if (results.error().kind == Fault::Kind::lost) {
    return accepted == 0 ? Landing::repeat : Landing::in_doubt;
  }
  recover(connection, results.error(), deadline);
  return landing_of(results.error());
}

}  // namespace tps::postgres
