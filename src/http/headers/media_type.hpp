// The media type of a request's body.
#pragma once

#include <cstdint>

#include "http/headers/message.hpp"

namespace tps::http {

enum class BodyKind : std::uint8_t { json, json_lines, form, other };

// By Content-Type: application/json, application/x-ndjson or application/x-www-form-urlencoded, with charset=utf-8 if
// any; everything else, also none or more than one, is other.
BodyKind body_kind(const Request& request);

}  // namespace tps::http
