#include "http/headers/random_text.hpp"

#include <bit>
#include <cstdint>
#include <random>

namespace tps::http {

void append_random(std::string& out, std::size_t count, std::string_view alphabet) {
  constexpr std::size_t kOfOneNumber = 12;  // at most 5 of 64 bits each
  thread_local std::mt19937_64 random{std::random_device{}()};
  const int bits_of_each = std::countr_zero(alphabet.size());
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < count; ++i, bits >>= bits_of_each) {
    if (i % kOfOneNumber == 0) bits = random();
    out += alphabet[bits & (alphabet.size() - 1)];
  }
}

}  // namespace tps::http
