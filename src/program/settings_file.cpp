#include "program/settings_file.hpp"

#include <algorithm>
#include <utility>

namespace tps {
namespace {

constexpr std::string_view kBlank = " \t\r";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

using Text = std::expected<std::string, std::string>;

// Behind a closing quote only a comment may follow.
bool ends_there(std::string_view rest) {
  rest = trimmed(rest);
  return rest.empty() || rest.starts_with('#');
}

Text read_quoted(std::string_view text) {
  const char quote = text.front();
  std::string value;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == quote) {
      if (!ends_there(text.substr(i + 1))) return std::unexpected("one value is expected");
      return value;
    }
    if (text[i] != '\\' || quote == '\'') {
      value += text[i];
      continue;
    }
    static constexpr std::string_view kEscapes = "\"\\nt";
    static constexpr std::string_view kMeant = "\"\\\n\t";
    const std::size_t which = i + 1 < text.size() ? kEscapes.find(text[i + 1]) : std::string_view::npos;
    if (which == std::string_view::npos) return std::unexpected(R"(only the escapes \" \\ \n \t are known)");
    value += kMeant[which];
    ++i;
  }
  return std::unexpected("the closing quote is missing");
}

Text read_value(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('"') || text.starts_with('\'')) return read_quoted(text);
  const std::size_t comment = text.find('#');
  // It may be half of a secret.
  if (comment != 0 && comment != std::string_view::npos && !kBlank.contains(text[comment - 1])) {
    return std::unexpected("a value with # needs quotes, and a comment a blank before its #");
  }
  text = trimmed(text.substr(0, comment));
  if (text.empty()) return std::unexpected("a value is missing; the empty one is \"\"");
  if (text.starts_with('[') || text.starts_with('{')) return std::unexpected("one value is expected, not a list");
  return std::string(text);
}

}  // namespace

std::expected<std::vector<FileEntry>, std::string> parse_settings_file(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<FileEntry> entries;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.empty() || line.starts_with('#')) continue;
    const auto wrong = [number](const std::string& why) {
      return std::unexpected("line " + std::to_string(number) + ": " + why);
    };
    if (line.starts_with('[') && line.ends_with(']')) return wrong("there are no sections; expected NAME = VALUE");
    const std::size_t equals = line.find('=');
    const std::string_view name = trimmed(line.substr(0, equals));
    if (equals == std::string_view::npos || !is_name(name)) return wrong("expected NAME = VALUE");
    auto value = read_value(line.substr(equals + 1));
    if (!value) return wrong(std::string(name) + ": " + value.error());
    entries.push_back({.name = std::string(name), .value = std::move(*value), .line = number});
  }
  return entries;
}

}  // namespace tps
