// Appending: flights until every submission has its answer.
#pragma once

#include "adapters/postgres/flight.hpp"
#include "ports/fault.hpp"

namespace tps::postgres {

// Store::append, for undecided submissions of one partition.
void postgres_append(Session& session, FlightSpan flight, domain::Timestamp now, ports::Deadline deadline);

// After a lost answer to COMMIT: finds out, on a new connection and under the partition's lock (so the old flight is
// over), what became of the flight. Decides every submission: as they stand, `unavailable` (not in the log), or
// `unknown` when it cannot be found out by the deadline.
void resolve(Session& session, FlightSpan flight, const FlightRecord& record, ports::Deadline deadline);

// Ends a session that has held the lock of submitting, or of settling, for long and waits for its client: an instance
// that was stopped. (No timeout of the server covers a client that stops in mid-send.)
void end_partition_holder(Session& session, std::uint32_t partition, ports::Deadline deadline);
void end_reader_holder(Session& session, std::uint32_t partition, ports::Deadline deadline);

}  // namespace tps::postgres
