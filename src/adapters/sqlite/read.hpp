// Reading from SQLite. Each call is one read transaction of the given connection, which the caller bounds by a
// deadline.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adapters/sqlite/connection.hpp"
#include "ports/store.hpp"

namespace tps::sqlite {

// One transaction as it stands, within whatever database transaction is open.
ports::StoreResult<std::optional<domain::Transaction>> transaction_of(Connection& connection, std::int64_t id);

// When a transaction that is certainly in the log was created, likewise.
ports::StoreResult<domain::Timestamp> created_at_of(Connection& connection, std::int64_t id);

ports::StoreResult<std::vector<std::optional<domain::Transaction>>> find(Connection& reader,
                                                                         std::span<const std::int64_t> ids);

ports::StoreResult<std::vector<ports::Balance>> balances(Connection& reader, std::uint32_t partitions,
                                                         std::uint32_t partition, const std::string& user_id);

ports::StoreResult<ports::Store::Backlog> backlog(Connection& reader, std::uint32_t partition);

ports::StoreResult<ports::DueHolds> expired_holds(Connection& reader, std::uint32_t partition, domain::Timestamp now,
                                                  const ports::HoldPosition& after, std::size_t max);

}  // namespace tps::sqlite
