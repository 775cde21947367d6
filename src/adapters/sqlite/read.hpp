// Reading from SQLite. Each call is one read transaction of the given connection, which the caller bounds by a
// deadline.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adapters/sqlite/connection.hpp"
#include "ports/store.hpp"

namespace tps::adapters {

// One transaction as it stands, within whatever database transaction is open.
service::StoreResult<std::optional<domain::Transaction>> sqlite_transaction(SqliteConnection& connection,
                                                                            std::int64_t id);

// When a transaction that is certainly in the log was created, likewise.
service::StoreResult<domain::Timestamp> sqlite_created_at(SqliteConnection& connection, std::int64_t id);

service::StoreResult<std::vector<std::optional<domain::Transaction>>> sqlite_find(SqliteConnection& reader,
                                                                                  std::span<const std::int64_t> ids);

service::StoreResult<std::vector<service::Balance>> sqlite_balances(SqliteConnection& reader, std::uint32_t partitions,
                                                                    std::uint32_t partition,
                                                                    const std::string& user_id);

service::StoreResult<service::Store::Backlog> sqlite_backlog(SqliteConnection& reader, std::uint32_t partition);

service::StoreResult<std::vector<domain::Transaction>> sqlite_expired_holds(SqliteConnection& reader,
                                                                            std::uint32_t partition,
                                                                            domain::Timestamp now, std::size_t max);

// Reads every account.
service::StoreResult<service::LedgerFigures> sqlite_figures(SqliteConnection& reader);

}  // namespace tps::adapters
