#include "http/headers/message.hpp"

#include <algorithm>

#include "wire/ascii.hpp"

namespace tps::http {

std::optional<std::string_view> Request::header(std::string_view name) const {
  const auto found =
      std::ranges::find_if(headers, [&](const auto& h) { return wire::equal_ignoring_case(h.first, name); });
  return found == headers.end() ? std::nullopt : std::optional(found->second);
}

std::size_t Request::header_count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(headers, [&](const auto& h) { return wire::equal_ignoring_case(h.first, name); }));
}

}  // namespace tps::http
