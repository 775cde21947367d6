#include "ops/log_line.hpp"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <iterator>

namespace tps::ops {
namespace {

// Escapes what could end a string, a line, or reach a terminal: quotes, backslash, C0, DEL, C1, and U+2028/2029.
// Bytes that are not UTF-8 pass; they cannot end a line.
void append_escaped(std::string& out, std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = [&](std::size_t k) { return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U; };
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[i];
    } else if (byte < 0x20 || byte == 0x7F) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else if (byte == 0xC2 && next(1) >= 0x80 && next(1) < 0xA0) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", next(1));
      i += 1;
    } else if (byte == 0xE2 && next(1) == 0x80 && (next(2) == 0xA8 || next(2) == 0xA9)) {
      fmt::format_to(std::back_inserter(out), "\\u20{:02x}", next(2) - 0x80);
      i += 2;
    } else {
      out += text[i];
    }
  }
}

}  // namespace

std::string_view name_of(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      return "error";
  }
  return "error";
}

std::string json_line(Level level, std::string_view message, LogFields fields) {
  std::string line = R"("level":")";
  line += name_of(level);
  line += R"(","message":")";
  append_escaped(line, message);
  line += '"';
  for (const auto& [key, value] : fields) {
    if (value.empty()) continue;
    line += ",\"";
    append_escaped(line, key);
    line += "\":\"";
    append_escaped(line, value);
    line += '"';
  }
  return line;
}

std::string human_line(Level level, std::string_view message, LogFields fields, bool colour) {
  static constexpr std::array kColours{"\033[2m", "\033[32m", "\033[33m", "\033[31m"};
  std::string line;
  if (colour) line += kColours[static_cast<std::size_t>(level)];
  line += fmt::format("{:<5}", name_of(level));
  if (colour) line += "\033[0m";
  line += ' ';
  append_escaped(line, message);
  for (const auto& [key, value] : fields) {
    if (value.empty()) continue;
    line += "  ";
    append_escaped(line, key);
    line += '=';
    append_escaped(line, value);
  }
  return line;
}

}  // namespace tps::ops
