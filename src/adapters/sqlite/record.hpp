// Settling in SQLite: the writes of one batch, inside the write transaction of its reads.
#pragma once

#include <cstdint>

#include "adapters/sqlite/connection.hpp"
#include "domain/settlement.hpp"
#include "ports/fault.hpp"

namespace tps::sqlite {

// Writes; the caller commits, or rolls back on a fault. `refused`: the database does not take a value.
ports::StoreResult<void> record(Connection& writer, std::uint32_t partition, const domain::SettlementOutput& output);

}  // namespace tps::sqlite
