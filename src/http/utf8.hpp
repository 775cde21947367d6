// Is a text UTF-8 (RFC 3629)? No overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <string_view>

namespace tps::http {

bool is_utf8(std::string_view text);

}  // namespace tps::http
