#include "adapters/postgres/epoch.hpp"

#include <chrono>
#include <utility>
#include <vector>

#include "adapters/migration.hpp"
#include "adapters/postgres/array.hpp"
#include "adapters/postgres/statement.hpp"
#include "ops/log.hpp"

namespace tps::postgres {
namespace {

using ports::Deadline;

constexpr Statement kNewestEpoch{nullptr,
                                 "SELECT number, epoch::text, place FROM epoch_log ORDER BY number DESC LIMIT 1"};

// The file of the write-ahead log begins with the timeline; the control file lags behind it after a promotion.
constexpr Statement kPlace{nullptr,
                           "SELECT CASE WHEN pg_is_in_recovery() THEN NULL ELSE"
                           " (SELECT system_identifier FROM pg_control_system())::text"
                           " || '/' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)"
                           " || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())::text"
                           " || '/' || 'store'::regclass::oid::text END,"
                           " (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint::text"};

// How many of the transactions that were seen are not in the log as they were.
constexpr Statement kLacking{
    nullptr,
    "SELECT count(*) FROM unnest($1::smallint[], $2::bigint[], $3::timestamptz[]) AS seen(partition, id, created_at)"
    " WHERE NOT EXISTS (SELECT 1 FROM transaction_log t WHERE t.partition = seen.partition AND t.id = seen.id"
    " AND t.created_at = seen.created_at)"};

// Another session may add the same number at the same time; then its epoch is as good. Refused while the table has no
// primary key yet, as in the middle of a pg_restore, which would fail if a row came between.
constexpr Statement kBeginEpoch{
    nullptr,
    "INSERT INTO epoch_log (number, begun_at, epoch, place) VALUES ($1::bigint, $2, $3::text::uuid, $4)"
    " ON CONFLICT (number) DO NOTHING"};
constexpr std::string_view kNoSuchConstraint = "42P10";

constexpr Statement kBeforePlace{nullptr, "SAVEPOINT before_place"};
constexpr Statement kUndoPlace{nullptr, "ROLLBACK TO SAVEPOINT before_place"};

struct Recorded {
  std::int64_t number = 0;  // 0: none
  std::string epoch;
  std::string place;
};

struct Place {
  std::string place;  // "" where it cannot be known
  std::string run;
  bool standby = false;
};

Answer<Result> one_result(Connection& connection, const Statement& statement, Deadline deadline,
                          const Parameters& parameters = {}) {
  connection.queue(statement, parameters);
  auto results = connection.fly(deadline);
  if (!results) return std::unexpected(std::move(results.error()));
  return std::move(results->front());
}

Answer<Recorded> newest_epoch(Connection& connection, Deadline deadline) {
  const auto rows = one_result(connection, kNewestEpoch, deadline);
  if (!rows) return std::unexpected(rows.error());
  if (rows->rows() == 0) return Recorded{};
  return Recorded{.number = rows->integer<std::int32_t>(0, 0),
                  .epoch = std::string(rows->text(0, 1)),
                  .place = std::string(rows->text(0, 2))};
}

// A relative of PostgreSQL may not have these functions: then its place is unknown and never another.
Answer<Place> place_of(Connection& connection, Deadline deadline) {
  const auto rows = one_result(connection, kPlace, deadline);
  if (!rows && rows.error().kind == Fault::Kind::refused) {
    connection.roll_back(deadline);
    return Place{};
  }
  if (!rows) return std::unexpected(rows.error());
  if (rows->is_null(0, 0)) return Place{.place = "", .run = std::string(rows->text(0, 1)), .standby = true};
  return Place{.place = std::string(rows->text(0, 0)), .run = std::string(rows->text(0, 1))};
}

Answer<bool> lacks_what_was_seen(Connection& connection, const ports::History& history, Deadline deadline) {
  const auto seen = history.seen();
  if (seen.empty()) return false;
  Array partitions(Type::int2);
  Array ids(Type::int8);
  Array times(Type::timestamptz);
  for (const auto& end : seen) {
    partitions.add(static_cast<std::int16_t>(end.partition));
    ids.add(end.id);
    times.add(end.created_at);
  }
  Parameters parameters;
  const auto rows = one_result(connection, kLacking, deadline, parameters.add(partitions).add(ids).add(times));
  if (!rows) return std::unexpected(rows.error());
  return rows->int8(0, 0) > 0;
}

Answer<void> add_epoch(Connection& connection, const Recorded& last, const std::string& place, Deadline deadline) {
  const std::string epoch = adapters::new_store_id();
  Parameters parameters;
  parameters.add(last.number + 1)
      .add(std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()))
      .add(std::string_view(epoch))
      .add(std::string_view(place));
  const auto added = one_result(connection, kBeginEpoch, deadline, parameters);
  if (!added) return std::unexpected(added.error());
  return {};
}

void log_new_epoch(bool lacks, const Recorded& last, const std::string& place) {
  ops::log(lacks ? ops::Level::error : ops::Level::warn,
           lacks ? "the log lacks transactions that this process saw in it: another epoch of the database begins"
                 : "the database is not where it was, as after a restore or a fail-over: another epoch of it begins",
           {{"was", last.place}, {"is", place}});
}

}  // namespace

Answer<EpochFound> settle_epoch(Connection& connection, const ports::History& history, bool may_record,
                                Deadline deadline) {
  auto recorded = newest_epoch(connection, deadline);
  if (!recorded) return std::unexpected(recorded.error());
  const auto here = place_of(connection, deadline);
  if (!here) return std::unexpected(here.error());
  const auto lacks = lacks_what_was_seen(connection, history, deadline);
  if (!lacks) return std::unexpected(lacks.error());
  EpochFound found{.epoch = recorded->epoch, .run = here->run, .standby = here->standby};
  const bool moved = !here->place.empty() && here->place != recorded->place;
  if (here->standby || (!moved && !*lacks)) return found;
  if (may_record) {
    log_new_epoch(*lacks, *recorded, here->place);
    const auto added = add_epoch(connection, *recorded, here->place, deadline);
    if (added) {
      recorded = newest_epoch(connection, deadline);
      if (!recorded) return std::unexpected(recorded.error());
      found.epoch = recorded->epoch;
      return found;
    }
    if (added.error().sqlstate == kNoSuchConstraint) {
      return std::unexpected(Fault{Fault::Kind::refused, "", "the database is being restored"});
    }
    if (added.error().kind != Fault::Kind::refused) return std::unexpected(added.error());
    connection.roll_back(deadline);
  }
  found.epoch += "@" + here->place;
  found.foreign = *lacks && !moved;
  return found;
}

Answer<void> record_epoch(Connection& connection, Deadline deadline) {
  const auto recorded = newest_epoch(connection, deadline);
  if (!recorded) return std::unexpected(recorded.error());
  if (auto marked = one_result(connection, kBeforePlace, deadline); !marked) return std::unexpected(marked.error());
  const auto rows = one_result(connection, kPlace, deadline);
  if (!rows) {
    if (rows.error().kind != Fault::Kind::refused) return std::unexpected(rows.error());
    if (auto undone = one_result(connection, kUndoPlace, deadline); !undone) return std::unexpected(undone.error());
  }
  const std::string place(!rows || rows->is_null(0, 0) ? std::string_view() : rows->text(0, 0));
  const bool moved = !place.empty() && place != recorded->place;
  if (recorded->number > 0 && !moved) return {};
  if (recorded->number > 0) log_new_epoch(false, *recorded, place);
  return add_epoch(connection, *recorded, place, deadline);
}

}  // namespace tps::postgres
