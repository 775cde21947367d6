// Pages of transactions from SQLite: one read transaction of the given connection, at most kMaxRowsReadPerPage rows
// read.
#pragma once

#include "adapters/sqlite/connection.hpp"
#include "ports/store.hpp"

namespace tps::sqlite {

ports::StoreResult<ports::ListPage> list(Connection& reader, std::uint32_t partitions, const ports::ListQuery& query);

}  // namespace tps::sqlite
