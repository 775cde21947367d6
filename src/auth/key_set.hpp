// The keys whose tokens are believed. Several may live at once, which is how one takes the place of another.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/signing_key.hpp"

namespace tps::auth {

// Immutable; may be shared by threads.
class KeySet {
 public:
  KeySet() = default;
  explicit KeySet(std::vector<SigningKey> keys) : keys_(std::move(keys)) {}

  // The keys that may have signed a token with this `alg` and `kid`: the key with this id, or else those without an id;
  // at most 4. A token without a `kid` gets none if more keys than that are of its algorithm. An id is looked up here
  // and nowhere else.
  [[nodiscard]] std::vector<const SigningKey*> candidates(Algorithm algorithm,
                                                          std::optional<std::string_view> id) const;

 private:
  std::vector<SigningKey> keys_;
};

// The keys of a text: a JWK Set (RFC 7517) or PUBLIC KEY blocks in PEM. Of a JWK Set, keys for other uses and of kinds
// that are not known here are passed over. The error is a sentence for operators, without any key.
std::expected<std::vector<SigningKey>, std::string> read_keys(const std::string& text);

// Of what an issuer publishes: a JWK Set, of which only public keys are taken.
std::expected<std::vector<SigningKey>, std::string> read_published_keys(const std::string& text);

}  // namespace tps::auth
