#include <string>
#include <thread>

#include "adapters/postgres_append.hpp"
#include "ops/log.hpp"

namespace tps::adapters {
namespace {

using domain::Acceptance;
using domain::Submission;
using service::Deadline;

// An xid means something only within one cluster and one timeline: after a failover it may be another's.
constexpr PostgresStatement kFate{
    "fate",
    "SELECT CASE WHEN left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) = $2 THEN pg_xact_status($1::xid8) END"};

constexpr std::chrono::milliseconds kPause{20};

struct Fate {
  enum class Unkeyed : std::uint8_t { committed, aborted, unknown };
  Unkeyed unkeyed = Unkeyed::unknown;
  domain::Existing existing;
};

// One transaction: the lock, what happened, and a COMMIT. The lock makes it a write, so its synchronous COMMIT also
// says that everything before it, the flight too if it committed, is where an acknowledged transaction must be.
std::expected<Fate, PostgresFault> ask(PostgresSession& session, FlightSpan flight, const FlightRecord& record,
                                       Deadline deadline) {
  PostgresConnection& connection = session.connection;
  const auto partition = static_cast<std::int16_t>(flight.front()->transaction.partition);
  const bool with_keys = has_keys(flight);
  PostgresParameters lock;
  PostgresParameters transaction;
  connection.queue(kBegin);
  connection.queue(kWriteSettings);
  connection.queue(kLockPartition, lock.add(partition));
  connection.queue(kFate, transaction.add(record.xid).add(std::string_view(record.timeline)));
  if (with_keys) queue_keys(connection, partition, flight);
  connection.queue(kCommit);
  auto results = connection.fly(deadline);
  if (!results) return std::unexpected(results.error());
  if (!connection.warning().empty() || results->back().tag() != "COMMIT") {
    return std::unexpected(PostgresFault{PostgresFault::Kind::lost, "", connection.warning()});
  }
  Fate fate;
  const PostgresResult& status = (*results)[3];
  if (!status.is_null(0, 0) && session.system_identifier == record.system_identifier) {
    const bool committed = status.text(0, 0) == "committed";
    fate.unkeyed = committed ? Fate::Unkeyed::committed : Fate::Unkeyed::aborted;
  }
  if (with_keys && !read_keys((*results)[4], fate.existing)) {
    return std::unexpected(PostgresFault{PostgresFault::Kind::lost, "", "a row that this tps cannot read"});
  }
  return fate;
}

void decide(Submission& item, const Fate& fate, std::int64_t last_id) {
  const bool good = item.acceptance == Acceptance::accepted || item.acceptance == Acceptance::replayed;
  if (!good || item.transaction.id <= last_id) return;
  const auto not_there = [&] {
    item.acceptance = Acceptance::unavailable;
    item.transaction.id = 0;
  };
  if (!item.transaction.idempotency_hash) {
    if (fate.unkeyed == Fate::Unkeyed::aborted) not_there();
    if (fate.unkeyed == Fate::Unkeyed::unknown) item.acceptance = Acceptance::unknown;
    return;
  }
  const auto found = fate.existing.by_key.find(*item.transaction.idempotency_hash);
  if (found == fate.existing.by_key.end()) {
    not_there();
  } else if (found->second.content_hash != item.transaction.content_hash) {
    item.acceptance = Acceptance::key_reused;
  } else {
    if (found->second.id != item.transaction.id) item.acceptance = Acceptance::replayed;
    item.transaction = found->second;
  }
}

}  // namespace

void resolve(PostgresSession& session, FlightSpan flight, const FlightRecord& record, Deadline deadline) {
  ops::log(ops::Level::warn, "the answer to a commit was lost; finding out what became of it");
  while (std::chrono::steady_clock::now() < deadline) {
    session.connection.close();
    if (!session.ready_patiently(deadline)) {
      std::this_thread::sleep_until(std::min(deadline, std::chrono::steady_clock::now() + kPause));
      continue;
    }
    auto fate = ask(session, flight, record, deadline);
    if (fate) {
      for (Submission* item : flight) decide(*item, *fate, record.last_id);
      return;
    }
    if (fate.error().sqlstate == "55P03") {
      session.connection.roll_back(deadline);
      end_blocker(session, flight.front()->transaction.partition, deadline);
    }
  }
  take_back(flight, Acceptance::unknown);
}

}  // namespace tps::adapters
