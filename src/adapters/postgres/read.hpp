// Reads of the log and of what is derived from it. Always of the primary.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adapters/postgres/session.hpp"
#include "ports/store.hpp"

namespace tps::adapters {

PostgresAnswer<std::vector<std::optional<domain::Transaction>>> postgres_find(PostgresSession& session,
                                                                              std::span<const std::int64_t> ids,
                                                                              service::Deadline deadline);

PostgresAnswer<service::ListPage> postgres_list(PostgresSession& session, const service::ListQuery& query,
                                                service::Deadline deadline);

PostgresAnswer<std::vector<service::Balance>> postgres_balances(PostgresSession& session, std::uint32_t partition,
                                                                const std::string& user_id, service::Deadline deadline);

PostgresAnswer<service::Store::Backlog> postgres_backlog(PostgresSession& session, std::uint32_t partition,
                                                         service::Deadline deadline);

PostgresAnswer<std::vector<domain::Transaction>> postgres_expired_holds(PostgresSession& session,
                                                                        std::uint32_t partition, domain::Timestamp now,
                                                                        std::size_t max, service::Deadline deadline);

PostgresAnswer<service::LedgerFigures> postgres_figures(PostgresSession& session, service::Deadline deadline);

// a - b, or the nearest number there is.
std::int64_t clamped_difference(std::int64_t a, std::int64_t b);

// For a row that this binary does not understand.
PostgresFault unreadable_row(std::int64_t id);

}  // namespace tps::adapters
