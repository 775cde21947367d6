// The fate of a flight whose answer to COMMIT was lost.
#pragma once

#include "adapters/postgres/flight.hpp"
#include "ports/fault.hpp"

namespace tps::postgres {

// After a lost answer to COMMIT: finds out, on a new connection and under the partition's lock (so the old flight is
// over), what became of the flight. Decides every submission: as they stand, `unavailable` (not in the log), or
// `unknown` when it cannot be found out by the deadline.
void resolve(Session& session, FlightSpan flight, const FlightRecord& record, ports::Deadline deadline);

}  // namespace tps::postgres
