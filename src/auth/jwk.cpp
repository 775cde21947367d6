#include "auth/jwk.hpp"

#include <simdjson.h>

#include <optional>

#include "wire/base64url.hpp"

namespace tps::auth {
namespace {

using simdjson::dom::object;

// "" when absent.
std::string text_of(const object& jwk, const char* member) {
  std::string_view text;
  return jwk[member].get(text) == simdjson::SUCCESS ? std::string(text) : "";
}

std::optional<std::string> bytes_of(const object& jwk, const char* member) {
  auto bytes = wire::from_base64url(text_of(jwk, member));
  return bytes && !bytes->empty() ? bytes : std::nullopt;
}

bool is_for(const object& jwk, const char* algorithm) {
  const std::string use = text_of(jwk, "use");
  const std::string stated = text_of(jwk, "alg");
  return (use.empty() || use == "sig") && (stated.empty() || stated == algorithm);
}

using Key = std::expected<SigningKey, std::string>;

// nullopt: none of our kinds.
std::optional<Key> read_jwk(const object& jwk) {
  const std::string kind = text_of(jwk, "kty");
  const std::string id = text_of(jwk, "kid");
  if (kind == "RSA" && is_for(jwk, "RS256")) {
    const auto modulus = bytes_of(jwk, "n");
    const auto exponent = bytes_of(jwk, "e");
    if (!modulus || !exponent) return Key(std::unexpected("an RSA key has n and e in base64url"));
    return SigningKey::of_rsa(id, *modulus, *exponent);
  }
  if (kind == "EC" && text_of(jwk, "crv") == "P-256" && is_for(jwk, "ES256")) {
    const auto x = bytes_of(jwk, "x");
    const auto y = bytes_of(jwk, "y");
    if (!x || !y) return Key(std::unexpected("a P-256 key has x and y in base64url"));
    return SigningKey::of_p256(id, *x, *y);
  }
  if (kind == "oct" && is_for(jwk, "HS256")) {
    auto secret = bytes_of(jwk, "k");
    if (!secret) return Key(std::unexpected("an oct key has k in base64url"));
    return SigningKey::of_secret(id, std::move(*secret));
  }
  return std::nullopt;
}

using Keys = std::expected<std::vector<SigningKey>, std::string>;

Keys read_set(const std::string& json, bool published) {
  simdjson::dom::parser parser;
  simdjson::dom::array listed;
  if (parser.parse(json)["keys"].get(listed) != simdjson::SUCCESS) {
    return std::unexpected("it is no JWK Set: a JSON object with an array \"keys\"");
  }
  std::vector<SigningKey> keys;
  for (const simdjson::dom::element entry : listed) {
    object jwk;
    if (entry.get(jwk) != simdjson::SUCCESS) return std::unexpected("a key is a JSON object");
    if (published && text_of(jwk, "kty") == "oct") continue;
    auto key = read_jwk(jwk);
    if (!key) continue;
    if (*key) {
      keys.push_back(std::move(**key));
    } else if (!published) {
      return std::unexpected("key \"" + text_of(jwk, "kid") + "\": " + key->error());
    }
  }
  return keys;
}

}  // namespace

Keys read_jwk_set(const std::string& json) { return read_set(json, false); }

Keys read_public_jwk_set(const std::string& json) { return read_set(json, true); }

}  // namespace tps::auth
