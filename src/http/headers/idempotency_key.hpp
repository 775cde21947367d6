// The Idempotency-Key header (draft-ietf-httpapi-idempotency-key-header).
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "domain/error.hpp"
#include "http/headers/message.hpp"

namespace tps::http {

// One field value: "quoted" (a structured-field string) or bare; both forms of a key are the same key. 1..255 visible
// ASCII characters. nullopt for anything else.
std::optional<std::string> parse_idempotency_key(std::string_view value);

// The request's key, nullopt without one; invalid_idempotency_key when it is bad or repeated.
std::expected<std::optional<std::string>, domain::Error> idempotency_key_of(const Request& request);

}  // namespace tps::http
