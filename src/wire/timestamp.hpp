// Times on the wire: RFC 3339, in UTC and with microseconds when we write them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "domain/transaction.hpp"

namespace tps::wire {

// "2026-01-02T03:04:05.123456Z"
void append_timestamp(std::string& out, domain::Timestamp time);

// A whole RFC 3339 date-time with any offset and at most 6 decimals; years 1970 to 9999. nullopt for anything else.
std::optional<domain::Timestamp> parse_timestamp(std::string_view text);

}  // namespace tps::wire
