// Reading from SQLite. Each call is one read transaction of the given connection, which the caller bounds by a
// deadline.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "adapters/sqlite_connection.hpp"

namespace tps::adapters {

service::StoreResult<std::vector<std::optional<domain::Transaction>>> sqlite_find(SqliteConnection& reader,
                                                                                  std::span<const std::int64_t> ids);

service::StoreResult<std::vector<service::Balance>> sqlite_balances(SqliteConnection& reader, std::uint32_t partitions,
                                                                    std::uint32_t partition,
                                                                    const std::string& user_id);

service::StoreResult<service::Store::Backlog> sqlite_backlog(SqliteConnection& reader, std::uint32_t partition);

}  // namespace tps::adapters
