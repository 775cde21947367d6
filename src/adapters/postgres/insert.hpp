// Round trip 2 of a flight: the accepted submissions as columns.
#pragma once

#include <string>
#include <vector>

#include "adapters/postgres/flight.hpp"
#include "adapters/postgres/session.hpp"

namespace tps::postgres {

// Queues the INSERT of what was accepted and the rows of currencies that are used for the first time. Answers those, to
// be remembered once committed.
std::vector<std::string> queue_insert(Session& session, FlightSpan flight);

}  // namespace tps::postgres
