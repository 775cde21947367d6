#include "auth/key_set.hpp"

#include "auth/jwk.hpp"

namespace tps::auth {
namespace {

constexpr std::size_t kMostKeys = 64;

bool two_have_one_id(const std::vector<SigningKey>& keys) {
  for (auto one = keys.begin(); one != keys.end(); ++one) {
    for (auto other = keys.begin(); other != one; ++other) {
      if (!one->id().empty() && one->id() == other->id()) return true;
    }
  }
  return false;
}

}  // namespace

std::vector<const SigningKey*> KeySet::candidates(Algorithm algorithm, std::optional<std::string_view> id) const {
  std::vector<const SigningKey*> found;
  for (const SigningKey& key : keys_) {
    const bool fits = !id || key.id().empty() || key.id() == *id;
    if (fits && key.algorithm() == algorithm) found.push_back(&key);
  }
  return found;
}

std::expected<std::vector<SigningKey>, std::string> read_keys(const std::string& text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string::npos) return std::unexpected("it is empty");
  auto keys = text[start] == '{' ? read_jwk_set(text) : SigningKey::of_pem(text);
  if (!keys) return keys;
  if (keys->empty()) return std::unexpected("it has no key that can be used (RS256, ES256 or HS256)");
  if (keys->size() > kMostKeys) return std::unexpected("it has too many keys");
  if (two_have_one_id(*keys)) return std::unexpected("two keys have the same kid");
  return keys;
}

std::expected<std::vector<SigningKey>, std::string> read_published_keys(const std::string& text) {
  auto keys = read_public_jwk_set(text);
  if (keys && keys->empty()) return std::unexpected("it has no public key that can be used (RS256 or ES256)");
  if (keys && keys->size() > kMostKeys) return std::unexpected("it has too many keys");
  return keys;
}

}  // namespace tps::auth
