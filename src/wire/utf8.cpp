#include "wire/utf8.hpp"

namespace tps::wire {
namespace {

std::size_t sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

}  // namespace

std::size_t utf8_character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const std::size_t length = text.empty() ? 0 : sequence_length(byte(0));
  if (text.size() < length) return 0;
  for (std::size_t k = 1; k < length; ++k) {
    if ((byte(k) & 0xC0) != 0x80) return 0;
  }
  if (length < 3) return length;
  if (byte(0) == 0xE0 && byte(1) < 0xA0) return 0;   // overlong
  if (byte(0) == 0xED && byte(1) >= 0xA0) return 0;  // surrogates
  if (byte(0) == 0xF0 && byte(1) < 0x90) return 0;   // overlong
  if (byte(0) == 0xF4 && byte(1) >= 0x90) return 0;  // above U+10FFFF
  return length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = utf8_character_bytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

}  // namespace tps::wire
