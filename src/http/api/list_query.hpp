// The parameters of GET /transactions.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "domain/currency.hpp"
#include "domain/error.hpp"
#include "ports/store.hpp"

namespace tps::http {

// `text` is the query part of the target, `partitions` how many the store has. Every bad parameter is named in one
// answer; a cursor that does not belong to the filters is invalid_cursor.
std::expected<ports::ListQuery, domain::Error> parse_list_query(std::string_view text,
                                                                const domain::Currencies& currencies,
                                                                std::uint32_t partitions);

}  // namespace tps::http
