// Settling in SQLite: the reads and writes of one batch, inside a write transaction that the caller keeps open.
#pragma once

#include <expected>
#include <optional>

#include "adapters/sqlite/connection.hpp"
#include "domain/settlement.hpp"
#include "ports/fault.hpp"

namespace tps::sqlite {

// How far settlement has read a partition, and when it last settled there.
struct Position {
  std::int64_t id = 0;  // first_id_before(partition) at the start
  domain::Timestamp settled_at{};
};
ports::StoreResult<Position> sqlite_position(Connection& connection, std::uint32_t partition);

ports::StoreResult<domain::SettlementInput> sqlite_next(Connection& writer, std::uint32_t partition, std::size_t max);

// Writes; the caller commits, or rolls back on a fault. `refused`: the database does not take a value.
ports::StoreResult<void> sqlite_record(Connection& writer, std::uint32_t partition,
                                       const domain::SettlementOutput& output);

}  // namespace tps::sqlite
