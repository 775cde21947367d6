#include "reply.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace tps::bench {

namespace {

// `lower` has no capitals.
bool equals_folded(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a | 0x20 : a) == b; });
}

bool has_name(std::string_view line, std::string_view name) {
  return line.size() > name.size() && line[name.size()] == ':' && equals_folded(line.substr(0, name.size()), name);
}

std::string_view value_of(std::string_view line, std::string_view name) {
  line.remove_prefix(name.size() + 1);
  while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  while (!line.empty() && line.back() == ' ') line.remove_suffix(1);
  return line;
}

template <class Number>
bool to_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

// False when the line makes the response unreadable.
bool read_line(std::string_view line, Head& head, bool& has_length) {
  static constexpr std::string_view kLength = "content-length";
  static constexpr std::string_view kLocation = "location";
  static constexpr std::string_view kConnection = "connection";
  static constexpr std::string_view kRetryAfter = "retry-after";
  static constexpr std::string_view kEncoding = "transfer-encoding";
  // A check of the first letter saves the comparisons for most lines.
  switch (line.empty() ? '\0' : line.front() | 0x20) {
    case 'c':
      if (has_name(line, kLength)) return has_length = to_number(value_of(line, kLength), head.body_bytes);
      if (has_name(line, kConnection)) head.close = equals_folded(value_of(line, kConnection), "close");
      return true;
    case 'l':
      if (has_name(line, kLocation)) {
        const std::string_view value = value_of(line, kLocation);
        const std::string_view digits = value.substr(value.find_last_of('/') + 1);
        if (!to_number(digits, head.location_id)) head.location_id = 0;
      }
      return true;
    case 'r':
      head.retry_after = head.retry_after || has_name(line, kRetryAfter);
      return true;
    case 't':
      return !has_name(line, kEncoding);
    default:
      return true;
  }
}

}  // namespace

Parse parse_head(std::string_view input, Head& head) {
  head = Head{};
  bool has_length = false;
  bool first = true;
  std::size_t at = 0;
  while (true) {
    const std::size_t end = input.find('\n', at);
    if (end == std::string_view::npos) return Parse::incomplete;
    if (end == at || input[end - 1] != '\r') return Parse::malformed;
    const std::string_view line = input.substr(at, end - at - 1);
    at = end + 1;
    if (first) {
      first = false;
      if (!line.starts_with("HTTP/1.1 ") || line.size() < 12) return Parse::malformed;
      if (!to_number(line.substr(9, 3), head.status) || head.status < 100) return Parse::malformed;
    } else if (line.empty()) {
      break;
    } else if (!read_line(line, head, has_length)) {
      return Parse::malformed;
    }
  }
  head.head_bytes = at;
  const bool bodiless = head.status == 204 || head.status == 304;
  return has_length || bodiless ? Parse::complete : Parse::malformed;
}

void collect_ids(std::string_view json, std::vector<std::int64_t>& ids) {
  static constexpr std::string_view kMember = "\"id\":";
  const char* at = json.data();
  const char* const end = json.data() + json.size();
  while (true) {
    const void* found = memmem(at, static_cast<std::size_t>(end - at), kMember.data(), kMember.size());
    if (found == nullptr) return;
    at = static_cast<const char*>(found) + kMember.size();
    while (at != end && *at == ' ') ++at;
    std::int64_t id = 0;
    if (std::from_chars(at, end, id).ec == std::errc{}) ids.push_back(id);
  }
}

}  // namespace tps::bench
