#include "auth/key_set.hpp"

#include <algorithm>
#include <utility>

#include "auth/jwk.hpp"

namespace tps::auth {
namespace {

constexpr std::size_t kMostKeys = 64;
// Of keys without an id each is tried on every token that no other key claims: a bad token must not cost more.
constexpr std::size_t kMostTried = 4;

std::optional<std::string> flaw_of(const std::vector<SigningKey>& keys) {
  if (keys.size() > kMostKeys) return "it has too many keys";
  const auto without = std::ranges::count_if(keys, [](const SigningKey& key) { return key.id().empty(); });
  if (std::cmp_greater(without, kMostTried)) return "it has more than 4 keys without a kid";
  return std::nullopt;
}

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
    if (key.algorithm() != algorithm) continue;
    if (id && key.id() == *id) return {&key};
    if (!id || key.id().empty()) found.push_back(&key);
  }
  if (found.size() > kMostTried) found.clear();
  return found;
}

std::expected<std::vector<SigningKey>, std::string> read_keys(const std::string& text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string::npos) return std::unexpected("it is empty");
  auto keys = text[start] == '{' ? read_jwk_set(text) : SigningKey::of_pem(text);
  if (!keys) return keys;
  if (keys->empty()) return std::unexpected("it has no key that can be used (RS256, ES256 or HS256)");
  if (auto flaw = flaw_of(*keys)) return std::unexpected(std::move(*flaw));
  if (two_have_one_id(*keys)) return std::unexpected("two keys have the same kid");
  return keys;
}

std::expected<std::vector<SigningKey>, std::string> read_published_keys(const std::string& text) {
  auto keys = read_public_jwk_set(text);
  if (keys && keys->empty()) return std::unexpected("it has no public key that can be used (RS256 or ES256)");
  if (!keys) return keys;
  if (auto flaw = flaw_of(*keys)) return std::unexpected(std::move(*flaw));
  return keys;
}

}  // namespace tps::auth
