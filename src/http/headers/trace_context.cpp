#include "http/headers/trace_context.hpp"

#include "http/headers/random_text.hpp"
#include "wire/ascii.hpp"

namespace tps::http {
namespace {

// 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
constexpr std::size_t kTraceAt = 3;
constexpr std::size_t kTraceSize = 32;
constexpr std::size_t kSpanAt = kTraceAt + kTraceSize + 1;
constexpr std::size_t kSpanSize = 16;
constexpr std::size_t kFlagsAt = kSpanAt + kSpanSize + 1;
constexpr std::size_t kSize = kFlagsAt + 2;

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::size_t kKnownFlags = 0b11;  // sampled, and random of level 2

bool is_lower_hex(std::string_view text) { return text.find_first_not_of(kHexDigits) == std::string_view::npos; }

bool is_id(std::string_view text) {
  return is_lower_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

// A version that we do not know may have more behind the flags; version ff is forbidden.
bool is_valid(std::string_view header) {
  if (header.size() < kSize) return false;
  const std::string_view version = header.substr(0, 2);
  if (!is_lower_hex(version) || version == "ff") return false;
  if (header.size() > kSize && (version == "00" || header[kSize] != '-')) return false;
  return header[kTraceAt - 1] == '-' && header[kSpanAt - 1] == '-' && header[kFlagsAt - 1] == '-' &&
         is_id(header.substr(kTraceAt, kTraceSize)) && is_id(header.substr(kSpanAt, kSpanSize)) &&
         is_lower_hex(header.substr(kFlagsAt, 2));
}

}  // namespace

void set_trace(Request& request) {
  const auto given = request.header("traceparent");
  if (!given || !is_valid(*given) || request.header_count("traceparent") != 1) return;
  request.trace = "00-";
  request.trace += given->substr(kTraceAt, kTraceSize + 1);
  append_random(request.trace, kSpanSize, kHexDigits);
  // Unknown flags must be zero when they are passed on.
  request.trace += "-0";
  request.trace += kHexDigits[kHexDigits.find((*given)[kSize - 1]) & kKnownFlags];
}

std::string_view trace_id(const Request& request) {
  return request.trace.empty() ? std::string_view{} : std::string_view(request.trace).substr(kTraceAt, kTraceSize);
}

std::string_view span_id(const Request& request) {
  return request.trace.empty() ? std::string_view{} : std::string_view(request.trace).substr(kSpanAt, kSpanSize);
}

bool is_sampled(const Request& request) {
  return !request.trace.empty() && (kHexDigits.find(request.trace.back()) & 1U) != 0;
}

}  // namespace tps::http
