#include "ports/sha256.hpp"

#include <openssl/sha.h>

namespace tps::ports {

Sha256 sha256(std::string_view text) {
  Sha256 digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

}  // namespace tps::ports
