#include "adapters/postgres/resolve.hpp"

#include <algorithm>
#include <string>
#include <thread>

#include "adapters/postgres/row.hpp"
#include "adapters/postgres/stuck_holder.hpp"
#include "ops/log.hpp"
#include "ports/fault.hpp"

namespace tps::postgres {
namespace {

using domain::Acceptance;
using domain::Submission;
using ports::Deadline;

// Whether the flight is in the log is asked of the log itself: under the partition's lock the rows are there or they
// never will be. The state of the xid alone (pg_xact_status) would not do: after a crash PostgreSQL hands out again the
// xids that never reached the disk, and another flight may have committed under ours. A row's xmin together with its
// place, time and content cannot be another's.
constexpr Statement kLanded{
    "landed",
    "SELECT t.id, t.created_at, t.user_id, t.amount_minor, t.xmin::text = $4 FROM transaction_log t"
    " WHERE t.partition = $1 AND t.id > $2 AND t.id <= $3"};

constexpr std::chrono::milliseconds kResolvePause{20};
constexpr std::int64_t kXidEpoch = std::int64_t{1} << 32;  // xmin is an xid8 without its epoch

bool is_new(const Submission& item, std::int64_t last_id) {
  const bool good = item.acceptance == Acceptance::accepted || item.acceptance == Acceptance::replayed;
  return good && item.transaction.id > last_id;
}

std::int64_t newest_id(FlightSpan flight, std::int64_t last_id) {
  std::int64_t newest = last_id;
  for (const Submission* item : flight) {
    if (is_new(*item, last_id)) newest = std::max(newest, item->transaction.id);
  }
  return newest;
}

// In order: the fate of a flight is the worst that one of its rows says.
enum class Landed : std::uint8_t { yes, perhaps, no };

// Same place, time and content, but an xmin that is not ours: a distributed database has xids of its own on each node.
Landed look_for(const Result& rows, const domain::Transaction& sent) {
  for (int row = 0; row < rows.rows(); ++row) {
    if (rows.int8(row, 0) != sent.id) continue;
    const bool same = rows.time(row, 1) == sent.created_at && rows.text(row, 2) == sent.user_id &&
                      rows.int8(row, 3) == sent.amount_minor;
    if (!same) return Landed::no;
    return rows.boolean(row, 4) ? Landed::yes : Landed::perhaps;
  }
  return Landed::no;
}

Landed has_landed(const Result& rows, FlightSpan flight, const FlightRecord& record) {
  if (newest_id(flight, record.last_id) == record.last_id) return Landed::no;
  Landed landed = Landed::yes;
  for (const Submission* item : flight) {
    if (item->acceptance == Acceptance::accepted) landed = std::max(landed, look_for(rows, item->transaction));
  }
  return landed;
}

struct Fate {
  Landed landed = Landed::no;
  domain::Existing existing;
};

// One transaction: the lock, what happened, and a COMMIT. The lock makes it a write, so its synchronous COMMIT also
// says that everything before it, the flight too if it committed, is where an acknowledged transaction must be.
std::expected<Fate, Fault> ask(Session& session, FlightSpan flight, const FlightRecord& record, Deadline deadline) {
  Connection& connection = session.connection;
  const auto partition = static_cast<std::int16_t>(flight.front()->transaction.partition);
  const bool with_keys = has_keys(flight);
  Parameters lock;
  Parameters landed;
  const std::string xmin = std::to_string(record.xid % kXidEpoch);
  connection.queue(kBegin);
  connection.queue(kWriteSettings);
  connection.queue(kLockPartition, lock.add(partition));
  connection.queue(
      kLanded,
      landed.add(partition).add(record.last_id).add(newest_id(flight, record.last_id)).add(std::string_view(xmin)));
  if (with_keys) queue_keys(connection, partition, flight);
  connection.queue(kCommit);
  auto results = connection.fly(deadline);
  if (!results) return std::unexpected(results.error());
  if (!connection.warning().empty() || results->back().tag() != "COMMIT") {
    return std::unexpected(Fault{Fault::Kind::lost, "", connection.warning()});
  }
  Fate fate;
  fate.landed = has_landed((*results)[3], flight, record);
  if (with_keys && !read_keys((*results)[4], fate.existing)) {
    return std::unexpected(Fault{Fault::Kind::lost, "", "a row that this tps cannot read"});
  }
  return fate;
}

void decide(Submission& item, const Fate& fate, std::int64_t last_id) {
  if (!is_new(item, last_id)) {
    // A "no" may rest on a neighbour of the flight, and then falls with it.
    const bool said_no = item.acceptance != Acceptance::replayed && item.acceptance != Acceptance::unprocessable;
    if (fate.landed != Landed::yes && said_no) domain::undo(item, Acceptance::unavailable);
    return;
  }
  if (!item.transaction.idempotency_hash) {
    if (fate.landed == Landed::no) domain::undo(item, Acceptance::unavailable);
    if (fate.landed == Landed::perhaps) item.acceptance = Acceptance::unknown;
    return;
  }
  const auto found = fate.existing.by_key.find(*item.transaction.idempotency_hash);
  if (found == fate.existing.by_key.end()) {
    domain::undo(item, Acceptance::unavailable);
  } else if (found->second.content_hash != item.transaction.content_hash) {
    item.acceptance = Acceptance::key_reused;
  } else {
    if (found->second.id != item.transaction.id) item.acceptance = Acceptance::replayed;
    item.transaction = found->second;
  }
}

}  // namespace

void resolve(Session& session, FlightSpan flight, const FlightRecord& record, Deadline deadline) {
  ops::log(ops::Level::warn, "the answer to a commit was lost; finding out what became of it");
  while (std::chrono::steady_clock::now() < deadline) {
    session.connection.close();
    if (!session.ready_patiently(deadline)) {
      std::this_thread::sleep_until(std::min(deadline, std::chrono::steady_clock::now() + kResolvePause));
      continue;
    }
    auto fate = ask(session, flight, record, deadline);
    if (fate) {
      for (Submission* item : flight) decide(*item, *fate, record.last_id);
      return;
    }
    if (fate.error().sqlstate == "55P03") {
      session.connection.roll_back(deadline);
      end_partition_holder(session, flight.front()->transaction.partition, deadline);
    }
  }
  domain::undo(flight, domain::kNothingCertain, Acceptance::unknown);
}

}  // namespace tps::postgres
