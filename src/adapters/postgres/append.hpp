// Appending: flights until every submission has its answer.
#pragma once

#include "adapters/postgres/flight.hpp"
#include "ports/fault.hpp"

namespace tps::adapters {

// Store::append, for undecided submissions of one partition.
void postgres_append(PostgresSession& session, FlightSpan flight, domain::Timestamp now, service::Deadline deadline);

// After a lost answer to COMMIT: finds out, on a new connection and under the partition's lock (so the old flight is
// over), what became of the flight. Decides every submission: as they stand, `unavailable` (not in the log), or
// `unknown` when it cannot be found out by the deadline.
void resolve(PostgresSession& session, FlightSpan flight, const FlightRecord& record, service::Deadline deadline);

// Ends a session that has held the lock of submitting, or of settling, for long and waits for its client: an instance
// that was stopped. (No timeout of the server covers a client that stops in mid-send.)
void end_partition_holder(PostgresSession& session, std::uint32_t partition, service::Deadline deadline);
void end_reader_holder(PostgresSession& session, std::uint32_t partition, service::Deadline deadline);

}  // namespace tps::adapters
