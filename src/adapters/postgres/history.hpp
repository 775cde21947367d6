// The past of a user's accounts: as they were at a time, and how they came to be what they are. An account's entries
// are in the logs already, as streams in the order of ids whose account versions rise: the transactions of the user,
// and per partition those of others that move money to or from the user (`incoming`). So every place in them is found
// by halving over ids, and nothing costs more for being long ago.
#pragma once

#include <string>
#include <vector>

#include "adapters/postgres/session.hpp"
#include "ports/store.hpp"

namespace tps::postgres {

// Store::balances_at.
Answer<std::vector<ports::Balance>> balances_at(Session& session, std::uint32_t partition, const std::string& user_id,
                                                domain::Timestamp at, ports::Deadline deadline);

// Store::statement.
Answer<ports::Statement> statement(Session& session, const ports::StatementQuery& query, ports::Deadline deadline);

}  // namespace tps::postgres
