#include "auth/password.hpp"

#include <argon2.h>
#include <openssl/rand.h>

#include <array>
#include <charconv>
#include <regex>
#include <stdexcept>

namespace tps::auth {
namespace {

constexpr std::uint32_t kPasses = 2;
constexpr std::uint32_t kKibibytes = 19 * 1024;
constexpr std::uint32_t kLanes = 1;
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashBytes = 32;
// Limits of the cost: without them one line of the users file could make every login take minutes.
constexpr std::uint32_t kMostKibibytes = 256 * 1024;
constexpr std::uint32_t kMostPasses = 16;
constexpr std::uint32_t kLeastKibibytes = 7 * 1024;
constexpr std::uint32_t kMostLanes = 8;

constexpr std::string_view kHashPrefix = "$argon2id$v=19$";

// $argon2id$v=19$m=19456,t=2,p=1$salt$hash, as libargon2 reads it: base64 without padding, of 8 bytes and 16 at least.
bool is_whole(const std::string& hash) {
  static const std::regex kForm(
      R"(\$argon2id\$v=19\$m=\d{1,10},t=\d{1,10},p=\d{1,10}\$[A-Za-z0-9+/]{11,64}\$[A-Za-z0-9+/]{22,128})");
  return std::regex_match(hash, kForm);
}

// The number after `name` in "m=19456,t=2,p=1"; 0 if there is none.
std::uint32_t parameter(std::string_view hash, std::string_view name) {
  const std::size_t place = hash.find(name, kHashPrefix.size());
  std::uint32_t value = 0;
  if (place != std::string_view::npos) {
    std::from_chars(hash.data() + place + name.size(), hash.data() + hash.size(), value);
  }
  return value;
}

}  // namespace

std::string hash_password(const std::string& password) {
  std::array<unsigned char, kSaltBytes> salt{};
  if (RAND_bytes(salt.data(), salt.size()) != 1) throw std::runtime_error("no randomness");
  std::string encoded(argon2_encodedlen(kPasses, kKibibytes, kLanes, kSaltBytes, kHashBytes, Argon2_id), '\0');
  const int made = argon2id_hash_encoded(kPasses, kKibibytes, kLanes, password.data(), password.size(), salt.data(),
                                         salt.size(), kHashBytes, encoded.data(), encoded.size());
  if (made != ARGON2_OK) throw std::runtime_error(argon2_error_message(made));
  encoded.resize(encoded.find('\0'));
  return encoded;
}

bool verify_password(const std::string& hash, const std::string& password) {
  return flaw_of_hash(hash).empty() && argon2id_verify(hash.c_str(), password.data(), password.size()) == ARGON2_OK;
}

std::uint64_t cost_of_hash(const std::string& hash) {
  return std::uint64_t{parameter(hash, "m=")} * parameter(hash, "t=");
}

std::string flaw_of_hash(const std::string& hash) {
  if (!hash.starts_with(kHashPrefix)) return "not an argon2id hash; `tps hash-password` makes one";
  if (!is_whole(hash)) return "this argon2id hash is not whole; `tps hash-password` makes one";
  const std::uint32_t memory = parameter(hash, "m=");
  const std::uint32_t passes = parameter(hash, "t=");
  if (memory < kLeastKibibytes || passes < 1)
    return "this argon2id hash is too cheap to guess; `tps hash-password` makes one";
  const bool dear = memory > kMostKibibytes || passes > kMostPasses || parameter(hash, "p=") > kMostLanes;
  if (dear) return "this argon2id hash takes too long to check";
  return {};
}

}  // namespace tps::auth
