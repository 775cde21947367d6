#include "auth/principal.hpp"

#include <algorithm>

namespace tps::auth {

bool is_name(std::string_view text) {
  constexpr std::size_t kMost = 128;
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  return !text.empty() && text.size() <= kMost && std::ranges::none_of(text, is_control);
}

}  // namespace tps::auth
