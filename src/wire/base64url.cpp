#include "wire/base64url.hpp"

#include <array>
#include <cstdint>

namespace tps::wire {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr unsigned kBits = 6;
constexpr std::uint32_t kMask = (1U << kBits) - 1;
constexpr std::uint8_t kNone = 0xFF;

constexpr std::array<std::uint8_t, 256> kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNone);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values.at(static_cast<unsigned char>(kAlphabet[i])) = static_cast<std::uint8_t>(i);
  }
  return values;
}();

}  // namespace

std::string to_base64url(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t pending = 0;
  unsigned bits = 0;
  for (const char byte : bytes) {
    pending = pending << 8U | static_cast<unsigned char>(byte);
    for (bits += 8; bits >= kBits; bits -= kBits) text += kAlphabet[pending >> (bits - kBits) & kMask];
  }
  if (bits > 0) text += kAlphabet[pending << (kBits - bits) & kMask];
  return text;
}

std::optional<std::string> from_base64url(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t pending = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const std::uint8_t value = kValues.at(static_cast<unsigned char>(c));
    if (value == kNone) return std::nullopt;
    pending = pending << kBits | value;
    bits += kBits;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(pending >> bits & 0xFFU);
  }
  const bool left_over = bits >= kBits || (pending & ((1U << bits) - 1)) != 0;
  return left_over ? std::nullopt : std::optional(std::move(bytes));
}

}  // namespace tps::wire
