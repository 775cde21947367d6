// The accounts of a user as they are now, and what all accounts add up to. Always of the primary.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "adapters/postgres/session.hpp"
#include "ports/store.hpp"

namespace tps::postgres {

Answer<std::vector<ports::Balance>> balances(Session& session, std::uint32_t partition, const std::string& user_id,
                                             ports::Deadline deadline);

Answer<ports::LedgerFigures> figures(Session& session, ports::Deadline deadline);

}  // namespace tps::postgres
