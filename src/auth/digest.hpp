// SHA-256, as what credentials are looked up by: neither a map of them nor the time of a look-up then tells what they
// are.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tps::auth {

using Digest = std::array<std::uint8_t, 32>;

Digest digest_of(std::string_view text);

struct HashDigest {
  std::size_t operator()(const Digest& digest) const {
    std::size_t hash = 0;
    std::memcpy(&hash, digest.data(), sizeof hash);
    return hash;
  }
};

}  // namespace tps::auth
