// Reads of the log and of what is derived from it. Always of the primary.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adapters/postgres/session.hpp"
#include "ports/store.hpp"

namespace tps::postgres {

Answer<std::vector<std::optional<domain::Transaction>>> postgres_find(Session& session,
                                                                      std::span<const std::int64_t> ids,
                                                                      ports::Deadline deadline);

Answer<ports::ListPage> postgres_list(Session& session, const ports::ListQuery& query, ports::Deadline deadline);

Answer<std::vector<ports::Balance>> postgres_balances(Session& session, std::uint32_t partition,
                                                      const std::string& user_id, ports::Deadline deadline);

Answer<ports::Store::Backlog> postgres_backlog(Session& session, std::uint32_t partition, ports::Deadline deadline);

Answer<std::vector<domain::Transaction>> postgres_expired_holds(Session& session, std::uint32_t partition,
                                                                domain::Timestamp now, std::size_t max,
                                                                ports::Deadline deadline);

Answer<ports::LedgerFigures> postgres_figures(Session& session, ports::Deadline deadline);

// a - b, or the nearest number there is.
std::int64_t clamped_difference(std::int64_t a, std::int64_t b);

// For a row that this binary does not understand.
Fault unreadable_row(std::int64_t id);

}  // namespace tps::postgres
