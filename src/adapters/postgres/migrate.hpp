// Bringing a PostgreSQL database to this binary's schema.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "adapters/postgres/connection.hpp"
#include "ports/fault.hpp"

namespace tps::postgres {

// Brings the schema up to date, in one transaction; the first migration fixes the number of partitions. Forward only,
// idempotent; several may run at the same time. The error is a sentence for people.
std::expected<void, std::string> migrate(const Options& options, std::uint32_t partitions, ports::Deadline deadline);

// What an administrator should know about the rights in a migrated database: a sentence, or "" when all is well (or
// cannot be known).
std::string rights_advice(const Options& options, ports::Deadline deadline);

}  // namespace tps::postgres
