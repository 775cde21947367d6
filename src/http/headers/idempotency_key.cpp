#include "http/headers/idempotency_key.hpp"

#include "domain/member_rules.hpp"
#include "wire/ascii.hpp"

namespace tps::http {
namespace {

constexpr std::string_view kHeader = "idempotency-key";

std::optional<std::string> unquote(std::string_view value) {
  if (value.size() < 2 || value.back() != '"') return std::nullopt;
  value = value.substr(1, value.size() - 2);
  std::string text;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '"') return std::nullopt;
    if (value[i] == '\\') {
      ++i;
      if (i == value.size() || (value[i] != '"' && value[i] != '\\')) return std::nullopt;
    }
    text += value[i];
  }
  return text;
}

}  // namespace

std::optional<std::string> parse_idempotency_key(std::string_view value) {
  value = wire::trim(value);
  auto text = value.starts_with('"') ? unquote(value) : std::string(value);
  if (!text || !domain::is_idempotency_key(*text)) return std::nullopt;
  return text;
}

std::expected<std::optional<std::string>, domain::Error> idempotency_key_of(const Request& request) {
  const auto value = request.header(kHeader);
  if (!value) return std::nullopt;
  auto key = parse_idempotency_key(*value);
  if (!key || request.header_count(kHeader) > 1) {
    return std::unexpected(domain::Error{domain::ErrorCode::invalid_idempotency_key, {}});
  }
  return key;
}

}  // namespace tps::http
