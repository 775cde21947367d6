// Percent-encoding (RFC 3986 section 2.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tps::wire {

// nullopt when an escape is broken. `plus_is_space` as in queries and forms, not in paths.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

}  // namespace tps::wire
