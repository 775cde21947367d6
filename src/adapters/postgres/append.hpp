// Appending: flights until every submission has its answer.
#pragma once

#include <optional>

#include "adapters/postgres/flight.hpp"
#include "ports/fault.hpp"

namespace tps::postgres {

// Store::append, for undecided submissions of one partition.
std::optional<ports::StoreFault> append(Session& session, FlightSpan flight, domain::Timestamp now,
                                        ports::Deadline deadline);

}  // namespace tps::postgres
