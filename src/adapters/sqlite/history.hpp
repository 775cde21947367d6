// An account through time, from the two logs of a SQLite file. Each call is one read transaction of the given
// connection, which the caller bounds by a deadline. No index leads to an account's entries by version or by time;
// since both grow with the ids of a log, halving over ids finds any place in it. Entries of a user in other currencies
// are passed over row by row.
#pragma once

#include <string>
#include <vector>

#include "adapters/sqlite/connection.hpp"
#include "ports/store.hpp"

namespace tps::sqlite {

ports::StoreResult<std::vector<ports::Balance>> balances_at(Connection& reader, std::uint32_t partitions,
                                                            std::uint32_t partition, const std::string& user_id,
                                                            domain::Timestamp at);

ports::StoreResult<ports::Statement> statement(Connection& reader, std::uint32_t partitions,
                                               const ports::StatementQuery& query);

}  // namespace tps::sqlite
