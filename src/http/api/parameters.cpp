#include "http/api/parameters.hpp"

#include <charconv>

#include "wire/ascii.hpp"
#include "wire/timestamp.hpp"

namespace tps::http {
namespace {

using domain::FieldRule;

constexpr std::int64_t kMaxId = std::int64_t{1} << 53;

}  // namespace

void ParameterReader::text(std::string_view name, std::size_t max_bytes, std::optional<std::string>& to) {
  const std::string* value = get(name);
  if (value == nullptr) return;
  if (value->empty()) {
    refuse(name, FieldRule::too_short, "must not be empty");
  } else if (value->size() > max_bytes) {
    refuse(name, FieldRule::too_long, "must be at most " + std::to_string(max_bytes) + " bytes of UTF-8");
  } else {
    to = *value;
  }
}

void ParameterReader::time(std::string_view name, std::optional<domain::Timestamp>& to) {
  named(name, wire::parse_timestamp, to, "must be an RFC 3339 time such as 2026-01-02T03:04:05Z (write + as %2B)");
}

void ParameterReader::currency(const domain::Currencies& currencies, std::optional<std::string>& to) {
  const std::string* value = get("currency");
  if (value == nullptr) return;
  const domain::Currency* currency = currencies.find(*value);
  if (currency == nullptr) {
    refuse("currency", FieldRule::unknown_currency, "must be an ISO 4217 code or a configured asset");
  } else {
    to = currency->code;
  }
}

void ParameterReader::limit(std::size_t& to) {
  const std::string* value = get("limit");
  if (value == nullptr) return;
  const auto limit = parse_integer(*value);
  if (!limit) {
    refuse("limit", FieldRule::not_a_number, "must be a whole number");
  } else if (*limit < 1) {
    refuse("limit", FieldRule::too_small, "must be at least 1");
  } else if (*limit > static_cast<std::int64_t>(kMaxPageSize)) {
    refuse("limit", FieldRule::too_large, "must be at most " + std::to_string(kMaxPageSize));
  } else {
    to = static_cast<std::size_t>(*limit);
  }
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> parse_id(std::string_view text) {
  if (text.empty() || !wire::is_digit(text.front()) || text.front() == '0') return std::nullopt;
  const auto id = parse_integer(text);
  return id && *id <= kMaxId ? id : std::nullopt;
}

}  // namespace tps::http
