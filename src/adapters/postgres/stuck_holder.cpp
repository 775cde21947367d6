#include "adapters/postgres/stuck_holder.hpp"

#include <string>

#include "ops/log.hpp"

namespace tps::postgres {
namespace {

using ports::Deadline;

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

void end_partition_holder(Session& session, std::uint32_t partition, Deadline deadline) {
  end_holder(session, kPartitionHolder, partition, deadline);
}

void end_reader_holder(Session& session, std::uint32_t partition, Deadline deadline) {
  end_holder(session, kReaderHolder, partition, deadline);
}

}  // namespace tps::postgres
