// The accounts of a user as they are now. Always of the primary.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "adapters/postgres/session.hpp"
#include "ports/store.hpp"

namespace tps::postgres {

Answer<std::vector<ports::Balance>> balances(Session& session, std::uint32_t partition, const std::string& user_id,
                                             ports::Deadline deadline);

}  // namespace tps::postgres
