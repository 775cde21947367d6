// Unique text, not secret: it may be guessed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tps::http {

// Appends `count` characters of an alphabet of 16 or 32.
void append_random(std::string& out, std::size_t count, std::string_view alphabet);

}  // namespace tps::http
