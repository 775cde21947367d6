// Checks a request with a JSON body before the body is read.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>

#include "domain/error.hpp"
#include "http/headers/message.hpp"
#include "service/submission.hpp"

namespace tps::http {

enum class JsonBody : std::uint8_t { required, optional };

// The request's key, if it has one; the refusal of what is no such request: it has parameters, its body is not JSON (an
// optional one that is left out needs no type), or its key is not well-formed.
std::expected<std::optional<service::IdempotencyKey>, domain::Error> json_head(const Request& request, JsonBody body);

}  // namespace tps::http
