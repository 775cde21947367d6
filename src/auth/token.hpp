// Bearer tokens: JSON Web Tokens (RFC 7519) as RFC 8725 wants them used.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "auth/key_set.hpp"
#include "auth/principal.hpp"

namespace tps::auth {

inline constexpr std::size_t kMaxTokenBytes = 8 * 1024;

// The reason why a token was rejected, for operators; a client learns only that its token is not valid.
enum class TokenFlaw : std::uint8_t { malformed, header, unknown_key, signature, not_now, issuer, audience, claims };
std::string_view name_of(TokenFlaw flaw);

// "" asks for nothing.
struct TokenRules {
  std::string issuer;    // `iss` must be this
  std::string audience;  // `aud` must be or contain this
};

// Claims: `sub` is the principal, `scope` its scopes (RFC 8693 section 4.2), `tps_user` the one user that it is for, if
// there is one; `exp` must be there, `nbf` and `iat` may be, with 60 s for clocks that differ.
std::expected<Principal, TokenFlaw> verify_token(std::string_view token, const KeySet& keys, const TokenRules& rules,
                                                 WallTime now);

// A token that verify_token() takes for `principal` until its expires_at, under the same rules. `key` is a secret.
std::string issue_token(const Principal& principal, const SigningKey& key, const TokenRules& rules, WallTime now);

}  // namespace tps::auth
