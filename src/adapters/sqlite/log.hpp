// Where the two logs of a partition end, within whatever database transaction is open.
#pragma once

#include <cstdint>
#include <expected>

#include "adapters/sqlite/connection.hpp"
#include "domain/transaction.hpp"
#include "ports/fault.hpp"

namespace tps::sqlite {

// The newest transaction of a partition: id_before_first(partition) and time 0 when there is none. Else SQLite's error
// code.
struct LogEnd {
  std::int64_t id = 0;
  domain::Timestamp created_at{};
};
std::expected<LogEnd, int> log_end(Connection& connection, std::uint32_t partition);

// How far settlement has read a partition, and when it last settled there.
struct Position {
  std::int64_t id = 0;  // id_before_first(partition) at the start
  domain::Timestamp settled_at{};
};
ports::StoreResult<Position> position_of(Connection& connection, std::uint32_t partition);

}  // namespace tps::sqlite
