// Bringing a PostgreSQL database to this binary's schema.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "adapters/postgres/connection.hpp"
#include "ports/fault.hpp"

namespace tps::postgres {

// Brings the schema up to date, in one transaction; the first migration fixes the number of partitions. Forward only,
// idempotent; several may run at the same time. The error is a sentence for operators.
std::expected<void, std::string> migrate(const Options& options, std::uint32_t partitions, ports::Deadline deadline);

// For administrators: a sentence about rights that are missing in a migrated database, or "" when all is well (or
// cannot be known).
std::string rights_advice(const Options& options, ports::Deadline deadline);

}  // namespace tps::postgres
