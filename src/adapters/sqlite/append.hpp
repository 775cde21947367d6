// Submitting to SQLite: one flight, one transaction of the writer connection.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>

#include "adapters/sqlite/database.hpp"
#include "domain/acceptance.hpp"
#include "domain/currency.hpp"
#include "ports/fault.hpp"

namespace tps::sqlite {

// Leaves no submission of the flight undecided; see ports::Store::append. The caller has the writer to itself, and its
// session is good for `generation`. `recorded` remembers which currencies are certainly in the store.
std::optional<ports::StoreFault> append(Database& database, std::uint64_t generation,
                                        std::span<domain::Submission* const> flight, domain::Timestamp now,
                                        const domain::Currencies& currencies,
                                        std::set<std::string, std::less<>>& recorded);

// Every undecided submission of the flight gets the verdict.
void leave_none_undecided(std::span<domain::Submission* const> flight, domain::Acceptance verdict);

}  // namespace tps::sqlite
