// The user of a path /users/{id}/...
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "domain/error.hpp"

namespace tps::http {

// The decoded segment, by the same rules as the member user_id; else invalid_parameter.
std::expected<std::string, domain::Error> user_id_of(std::string_view segment);

}  // namespace tps::http
