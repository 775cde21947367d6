// What the children in a batch (captures, voids, expiries, reversals) depend on.
#pragma once

#include <cstdint>

#include "adapters/postgres/session.hpp"
#include "domain/settlement.hpp"

namespace tps::postgres {

[[nodiscard]] bool has_children(const domain::SettlementInput& input);

// Queues the statement that finds, for the next `max` transactions after the position of settlement, the holds, the
// sums reversed and the settled transactions that are their parents.
void queue_parents(Connection& connection, std::int16_t partition, std::size_t max);

// Reads its answer. A parent that this binary cannot read is left out, as if it were not there.
void read_parents(const Result& rows, domain::SettlementInput& input);

}  // namespace tps::postgres
