#include "auth/api_key.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>
#include <stdexcept>

#include "wire/base64url.hpp"

namespace tps::auth {
namespace {

constexpr std::string_view kKeyPrefix = "tps_live_";
constexpr std::size_t kRandomBytes = 32;

}  // namespace

NewApiKey make_api_key() {
  std::array<char, kRandomBytes> random{};
  if (RAND_bytes(reinterpret_cast<unsigned char*>(random.data()), static_cast<int>(random.size())) != 1) {
    throw std::runtime_error("no random numbers: the system's generator failed");
  }
  NewApiKey key;
  key.text = kKeyPrefix;
  key.text += wire::to_base64url({random.data(), random.size()});
  OPENSSL_cleanse(random.data(), random.size());
  key.id = api_key_id(key.text);
  key.hash = hash_api_key(key.text);
  return key;
}

bool is_api_key(std::string_view text) {
  if (!text.starts_with(kKeyPrefix)) return false;
  const auto random = wire::from_base64url(text.substr(kKeyPrefix.size()));
  return random && random->size() == kRandomBytes;
}

std::string_view api_key_id(std::string_view text) { return text.substr(0, kKeyPrefix.size() + 8); }

ports::KeyHash hash_api_key(std::string_view text) { return ports::sha256(text); }

}  // namespace tps::auth
