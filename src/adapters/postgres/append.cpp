#include "adapters/postgres/append.hpp"

#include <algorithm>

#include "ops/log.hpp"
#include "ports/fault.hpp"

namespace tps::postgres {
namespace {

using domain::Acceptance;
using domain::Submission;
using ports::Deadline;

constexpr int kAttempts = 2;

// The place nearest to the middle that does not tear an atomic group; 0 if there is none.
std::size_t middle(FlightSpan flight) {
  const auto tears = [&](std::size_t place) {
    return flight[place]->group != 0 && flight[place]->group == flight[place - 1]->group;
  };
  const std::size_t half = flight.size() / 2;
  for (std::size_t away = 0; away < flight.size(); ++away) {
    if (half > away && !tears(half - away)) return half - away;
    if (half + away < flight.size() && half + away > 0 && !tears(half + away)) return half + away;
  }
  return 0;
}

void decide_all(FlightSpan flight, Acceptance verdict) {
  for (Submission* item : flight) {
    if (item->acceptance == Acceptance::undecided) item->acceptance = verdict;
  }
}

// A value was refused: the two halves fly again, in order, so that in the end the culprit fails alone.
void fly_halves(Session& session, FlightSpan flight, domain::Timestamp now, Deadline deadline) {
  const std::size_t place = flight.size() > 1 ? middle(flight) : 0;
  if (place == 0) {
    decide_all(flight, Acceptance::unprocessable);
    return;
  }
  postgres_append(session, flight.first(place), now, deadline);
  postgres_append(session, flight.subspan(place), now, deadline);
}

// Xmax of a lock row is the transaction that holds it. state_change is when the session last began to run or to wait,
// so one that has itself waited long for the lock, and goes on now, is left alone.
constexpr char kEndHolder[] =
    "SELECT pg_terminate_backend(a.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
    " WHERE l.locktype = 'transactionid' AND l.granted AND a.wait_event = 'ClientRead' AND a.usename = current_user"
    " AND clock_timestamp() - a.state_change > interval '1500 milliseconds' AND l.transactionid = ";
constexpr auto kPartitionHolderText = joined(kEndHolder, "(SELECT xmax FROM partitions WHERE partition = $1)");
constexpr auto kReaderHolderText =
    joined(kEndHolder, "(SELECT xmax FROM readers WHERE partition = $1 AND reader = 'settlement')");

// A session of our own login, and one of another's (0003_rights.sql), if the database lets us.
struct HolderStatements {
  Statement own;
  Statement other;
  bool Session::* may_end_other = nullptr;
};
constexpr HolderStatements kPartitionHolder{
    {nullptr, kPartitionHolderText.data()},
    {nullptr, "SELECT 1 WHERE end_partition_holder($1)"},
    &Session::may_end_partition_holder,
};
constexpr HolderStatements kReaderHolder{
    {nullptr, kReaderHolderText.data()},
    {nullptr, "SELECT 1 WHERE end_reader_holder($1)"},
    &Session::may_end_reader_holder,
};

// Whether it ended one. After a fault the session is as good as it can be.
bool ended_by(Session& session, const Statement& statement, std::uint32_t partition, Deadline deadline) {
  Parameters parameters;
  session.connection.queue(statement, parameters.add(static_cast<std::int16_t>(partition)));
  const auto ended = session.connection.fly(deadline);
  if (ended) return ended->front().rows() > 0;
  recover(session.connection, ended.error(), deadline);
  return false;
}

void end_holder(Session& session, const HolderStatements& holder, std::uint32_t partition, Deadline deadline) {
  const bool ended = ended_by(session, holder.own, partition, deadline) ||
                     (session.*holder.may_end_other && ended_by(session, holder.other, partition, deadline));
  if (!ended) return;
  ops::log(ops::Level::warn, "ended a session that held a lock and did not go on",
           {{"partition", std::to_string(partition)}});
}

}  // namespace

void postgres_append(Session& session, FlightSpan flight, domain::Timestamp now, Deadline deadline) {
  const std::uint32_t partition = flight.front()->transaction.partition;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (!session.ready(deadline)) break;
    FlightRecord record;
    switch (fly_once(session, flight, now, deadline, record)) {
      case Landing::committed:
        return;
      case Landing::in_doubt:
        resolve(session, flight, record, deadline);
        return;
      case Landing::value_refused:
        domain::undo(flight, domain::kNothingCertain, Acceptance::undecided);
        // Perhaps another partition recorded the same currency at the same time. Now it is there, and no longer first.
        if (record.records_currencies && attempt == 0) continue;
        fly_halves(session, flight, now, deadline);
        return;
      case Landing::blocked:
        end_partition_holder(session, partition, deadline);
        [[fallthrough]];
      case Landing::repeat:
        domain::undo(flight, domain::kNothingCertain, Acceptance::undecided);
        continue;
      case Landing::failed:
        break;
    }
    break;
  }
  domain::undo(flight, domain::kNothingCertain, Acceptance::unavailable);
  decide_all(flight, Acceptance::unavailable);
}

void end_partition_holder(Session& session, std::uint32_t partition, Deadline deadline) {
  end_holder(session, kPartitionHolder, partition, deadline);
}

void end_reader_holder(Session& session, std::uint32_t partition, Deadline deadline) {
  end_holder(session, kReaderHolder, partition, deadline);
}

}  // namespace tps::postgres
