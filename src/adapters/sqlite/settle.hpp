// Settling in SQLite: the reads of one batch, inside a write transaction that the caller keeps open.
#pragma once

#include <expected>
#include <optional>

#include "adapters/sqlite/connection.hpp"
#include "domain/settlement.hpp"
#include "ports/fault.hpp"

namespace tps::sqlite {

ports::StoreResult<domain::SettlementInput> next(Connection& writer, std::uint32_t partition, std::size_t max);

}  // namespace tps::sqlite
