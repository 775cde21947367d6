// Pages of transactions from SQLite: one read transaction of the given connection, at most kMaxRowsReadPerPage rows
// read.
#pragma once

#include "adapters/sqlite/connection.hpp"
#include "ports/store.hpp"

namespace tps::adapters {

service::StoreResult<service::ListPage> sqlite_list(SqliteConnection& reader, std::uint32_t partitions,
                                                    const service::ListQuery& query);

}  // namespace tps::adapters
