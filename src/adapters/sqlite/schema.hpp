// The identity that a SQLite file records, and bringing the file to this binary's schema.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "adapters/migration.hpp"
#include "adapters/sqlite/connection.hpp"
#include "domain/currency.hpp"
#include "ports/store.hpp"

namespace tps::sqlite {

// Applies what is missing, all or nothing. `partitions` counts for an empty file only; later it is fixed.
// The error is a sentence for operators.
std::expected<void, std::string> migrate(Connection& writer, std::uint32_t partitions);

// How many partitions the store has.
ports::StoreResult<std::uint32_t> partitions_of(Connection& connection);

// The sentence that refuses a file which is no database of tps, or which this binary may not migrate. Empty: it may.
std::string refusal_of_copy(Connection& connection);

// Refuses (`incompatible`) a schema that this binary may not use and currencies that it would read differently.
ports::StoreResult<ports::StoreIdentity> read_identity(Connection& reader, const domain::Currencies& currencies);

}  // namespace tps::sqlite
