// No text makes the verifier misbehave, and without the secret none is believed.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include "auth/key_set.hpp"
#include "auth/token.hpp"
#include "wire/base64url.hpp"

extern const std::span<const std::string_view> fuzz_seeds;

namespace {

// HS256 with another secret; alg none; a header and claims that are not signed; sets of keys.
constexpr std::array<std::string_view, 8> kSeeds{
    // RS256 and ES256 with no signature of theirs.
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIiwiZXhwIjoxODAwMDAwNjAwfQ.AAAAAAAAAAAAAAAAAAAAAA",
    "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIiwiZXhwIjoxODAwMDAwNjAwfQ."
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhIiwiZXhwIjoxODAwMDAwNjAwfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_"
    "wW1gFWFOEjXk",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIiwiZXhwIjoxODAwMDAwNjAwfQ.",
    R"({"alg":"HS256","kid":"k"}|{"sub":"a","exp":1800000600,"nbf":1,"iat":1,"aud":["x"],"iss":"y","scope":"admin"})",
    R"({"keys":[{"kty":"oct","kid":"k","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}]})",
    R"({"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})",
    "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n"};

constexpr tps::auth::WallTime kNow{std::chrono::seconds(1'800'000'000)};

const tps::auth::SigningKey& key() {
  static const auto kKey = tps::auth::SigningKey::of_secret("k", "a secret of the fuzz target: 0123456789");
  return *kKey;
}

// One of each algorithm, so that all of them see made-up signatures. The private keys do not exist any more.
std::vector<tps::auth::SigningKey> all_keys() {
  static const auto kPublic = tps::auth::read_keys(
      R"({"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},)"
      R"({"kty":"RSA","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}]})");
  std::vector<tps::auth::SigningKey> keys = *kPublic;
  keys.push_back(key());
  return keys;
}

void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

const std::span<const std::string_view> fuzz_seeds(kSeeds);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace auth = tps::auth;
  namespace wire = tps::wire;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auth::KeySet keys(all_keys());
  expect(!auth::verify_token(text, keys, {}, kNow));
  if (const auto read = auth::read_keys(std::string(text))) expect(!read->empty());
  if (const auto read = auth::read_published_keys(std::string(text))) {
    expect(std::ranges::none_of(*read, [](const auto& one) { return one.algorithm() == auth::Algorithm::hs256; }));
  }
  if (const auto bytes = wire::from_base64url(text)) expect(wire::to_base64url(*bytes) == text);

  // Signed with the right secret, header and claims are looked at whatever they are.
  const std::size_t bar = text.find('|');
  if (bar == std::string_view::npos) return 0;
  const std::string message = wire::to_base64url(text.substr(0, bar)) + '.' + wire::to_base64url(text.substr(bar + 1));
  const auto verified = auth::verify_token(message + '.' + wire::to_base64url(key().sign(message)), keys, {}, kNow);
  if (verified) expect(auth::is_name(verified->caller.principal));
  return 0;
}
