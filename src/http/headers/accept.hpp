// Which of several representations a client wants (RFC 9110 section 12.5.1).
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "http/headers/message.hpp"

namespace tps::http {

// The one of `offered` ("type/subtype", lower case) that the Accept headers like best; the first of several that they
// like equally. Without the header that is the first. nullopt: none of them will do.
std::optional<std::string_view> choose_media_type(const Request& request, std::span<const std::string_view> offered);

}  // namespace tps::http
