// base64url without padding (RFC 4648 section 5, as RFC 7515 uses it).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tps::wire {

std::string to_base64url(std::string_view bytes);

// nullopt unless `text` is exactly what to_base64url would make of some bytes.
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace tps::wire
