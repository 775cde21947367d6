#include "http/utf8.hpp"

#include <cstddef>

namespace tps::http {
namespace {

std::size_t sequence_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const std::size_t length = sequence_length(byte(i));
    if (length == 0 || text.size() - i < length) return false;
    for (std::size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xC0) != 0x80) return false;
    }
    if (byte(i) == 0xE0 && byte(i + 1) < 0xA0) return false;   // overlong
    if (byte(i) == 0xED && byte(i + 1) >= 0xA0) return false;  // surrogates
    if (byte(i) == 0xF0 && byte(i + 1) < 0x90) return false;   // overlong
    if (byte(i) == 0xF4 && byte(i + 1) >= 0x90) return false;  // above U+10FFFF
    i += length;
  }
  return true;
}

}  // namespace tps::http
