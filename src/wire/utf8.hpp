// Is a text UTF-8 (RFC 3629)? No overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace tps::wire {

bool is_utf8(std::string_view text);

// The number of bytes of the character that `text` begins with; 0 if it begins with none.
std::size_t utf8_character_bytes(std::string_view text);

}  // namespace tps::wire
