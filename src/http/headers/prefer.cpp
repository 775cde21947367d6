#include "http/headers/prefer.hpp"

#include <algorithm>

#include "wire/ascii.hpp"

namespace tps::http {
namespace {

// "wait=5", "Wait = \"5\" ; x": the number, if this is that preference.
std::optional<std::chrono::seconds> wait_seconds(std::string_view preference, std::chrono::seconds cap) {
  preference = wire::trim(preference.substr(0, preference.find(';')));
  if (!wire::equal_ignoring_case(wire::next_element(preference, '='), "wait")) return std::nullopt;
  std::string_view digits = wire::trim(preference);
  if (digits.size() > 2 && digits.starts_with('"') && digits.ends_with('"'))
    digits = digits.substr(1, digits.size() - 2);
  if (digits.empty() || !std::ranges::all_of(digits, wire::is_digit)) return std::nullopt;
  std::chrono::seconds seconds{0};
  for (const char c : digits) seconds = std::min(cap, seconds * 10 + std::chrono::seconds(c - '0'));
  return seconds;
}

}  // namespace

std::optional<std::chrono::seconds> wait_preference(const Request& request, std::chrono::seconds cap) {
  for (const auto& [name, value] : request.headers) {
    if (!wire::equal_ignoring_case(name, "prefer")) continue;
    for (std::string_view rest = value; !rest.empty();) {
      if (const auto seconds = wait_seconds(wire::next_element(rest, ','), cap)) return seconds;
    }
  }
  return std::nullopt;
}

}  // namespace tps::http
