// ASCII text as HTTP sees it: tokens, case, white space, lists. Bytes above 127 are never letters here.
#pragma once

#include <string_view>

namespace tps::wire {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_visible(char c) { return c > 0x20 && c < 0x7F; }

constexpr int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char letter = lower(c);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

// RFC 9110 section 5.6.2.
constexpr bool is_token_char(char c) {
  const char letter = lower(c);
  return (letter >= 'a' && letter <= 'z') || is_digit(c) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Cuts `rest` at the first `separator` and returns what was before it, trimmed.
constexpr std::string_view next_element(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view element = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return trim(element);
}

}  // namespace tps::wire
