#include "auth/digest.hpp"

#include <openssl/sha.h>

namespace tps::auth {

Digest digest_of(std::string_view text) {
  Digest digest{};
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): OpenSSL's bytes are unsigned
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

}  // namespace tps::auth
