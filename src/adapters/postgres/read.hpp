// Transactions by id, and what waits in a partition. Always of the primary.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adapters/postgres/session.hpp"
#include "ports/store.hpp"

namespace tps::postgres {

Answer<std::vector<std::optional<domain::Transaction>>> find(Session& session, std::span<const std::int64_t> ids,
                                                             ports::Deadline deadline);

Answer<ports::Store::Backlog> backlog(Session& session, std::uint32_t partition, ports::Deadline deadline);

Answer<ports::DueHolds> expired_holds(Session& session, std::uint32_t partition, domain::Timestamp now,
                                      const ports::HoldPosition& after, std::size_t max, ports::Deadline deadline);

// For a row that this binary does not understand.
Fault unreadable_row(std::int64_t id);

}  // namespace tps::postgres
