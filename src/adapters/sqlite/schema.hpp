// What a SQLite file says of itself, and bringing it to this binary's schema.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "adapters/migration.hpp"
#include "adapters/sqlite/connection.hpp"
#include "domain/currency.hpp"
#include "ports/store.hpp"

namespace tps::adapters {

// Applies what is missing, all or nothing. `partitions` counts for an empty file only; later it is fixed.
// The error is a sentence for operators.
std::expected<void, std::string> sqlite_migrate(SqliteConnection& writer, std::uint32_t partitions);

// Refuses (`incompatible`) a schema that this binary may not use and currencies that it would read differently.
service::StoreResult<service::StoreIdentity> sqlite_identity(SqliteConnection& reader,
                                                             const domain::Currencies& currencies);

}  // namespace tps::adapters
