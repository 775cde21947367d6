// A store refuses these by itself, item by item and before it asks a database: text with U+0000 (which
// PostgreSQL cannot store, so no store may) and currencies that this process does not know.
#pragma once

#include <span>
#include <string>

#include "domain/acceptance.hpp"
#include "domain/currency.hpp"
#include "ports/fault.hpp"
#include "ports/key_registry.hpp"

namespace tps::adapters {

[[nodiscard]] bool storable(const domain::Transaction& transaction, const domain::Currencies& currencies);
[[nodiscard]] bool storable(const ports::ApiKey& key);
[[nodiscard]] bool storable(const std::string& text);

// Of a key or a text that is not.
ports::StoreFault unstorable();

// Marks `culprit` unprocessable and the undecided rest of its atomic group group_refused.
void refuse(std::span<domain::Submission* const> flight, domain::Submission& culprit);

// Refuses every undecided submission that is not storable.
void refuse_unstorable(std::span<domain::Submission* const> flight, const domain::Currencies& currencies);

}  // namespace tps::adapters
