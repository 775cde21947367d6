// The epoch that a PostgreSQL database records, and whether it still is where that began: the server (its system
// identifier), its timeline, the database and its table `store`. A restored dump has other tables, a server that was
// recovered to a point in time or promoted has another timeline. Every login may read these.
#pragma once

#include <string>

#include "adapters/postgres/connection.hpp"
#include "ports/history.hpp"

namespace tps::postgres {

struct EpochFound {
  std::string epoch;
  std::string run;       // when the server was started
  bool standby = false;  // in recovery: its place is not known
  bool foreign = false;  // it lacks what was seen, and this login may not record that a new epoch begins
};

// Reads it on a connection that is open, and records a new epoch where one begins: the database is somewhere else, or
// lacks what `history` has seen. Where this login may not record it, one is derived from the old epoch and the place,
// the same for all logins. `may_record`: false for sessions that may change nothing.
Answer<EpochFound> settle_epoch(Connection& connection, const ports::History& history, bool may_record,
                                ports::Deadline deadline);

// In the transaction of a migration: records an epoch unless the newest one began here.
Answer<void> record_epoch(Connection& connection, ports::Deadline deadline);

}  // namespace tps::postgres
