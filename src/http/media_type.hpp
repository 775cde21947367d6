// What kind of body a request says that it has.
#pragma once

#include <cstdint>

#include "http/message.hpp"

namespace tps::http {

enum class BodyKind : std::uint8_t { json, json_lines, other };

// By Content-Type: application/json or application/x-ndjson, with charset=utf-8 if any; everything else, also none or
// more than one, is other.
BodyKind body_kind(const Request& request);

}  // namespace tps::http
