// JWK Sets (RFC 7517, RFC 7518 section 6).
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "auth/signing_key.hpp"

namespace tps::auth {

// Those for signatures with RS256, ES256 and HS256; others are passed over. The error says what is wrong with one of
// them.
std::expected<std::vector<SigningKey>, std::string> read_jwk_set(const std::string& json);

// Of a set that an issuer publishes: secrets, and what is wrong in it, are passed over, so that one bad key does not
// keep out the good ones.
std::expected<std::vector<SigningKey>, std::string> read_public_jwk_set(const std::string& json);

}  // namespace tps::auth
