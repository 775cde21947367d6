#include "http/api/query.hpp"

#include <algorithm>

#include "wire/percent.hpp"
#include "wire/utf8.hpp"

namespace tps::http {
namespace {

using domain::FieldRule;

constexpr std::size_t kMaxQueryParameters = 64;
constexpr std::size_t kMaxNameShown = 64;

// The name as shown in an error: never bytes that would not be valid in JSON, never a long echo.
std::string shown(std::string_view raw) { return std::string(raw.substr(0, kMaxNameShown)); }

std::string unknown_parameter(std::span<const std::string_view> allowed) {
  if (allowed.empty()) return "unknown query parameter; this route has none";
  std::string text = "unknown query parameter; allowed: ";
  for (const std::string_view& name : allowed) {
    if (&name != allowed.data()) text += ", ";
    text += name;
  }
  return text;
}

}  // namespace

std::expected<Query, domain::Error> Query::parse(std::string_view text, std::span<const std::string_view> allowed) {
  Query query;
  domain::Error error{domain::ErrorCode::invalid_parameter, {}};
  const auto refuse = [&](std::string_view name, FieldRule rule, std::string detail) {
    error.fields.push_back({shown(name), rule, std::move(detail)});
  };
  for (std::size_t count = 0; !text.empty(); ++count) {
    std::string_view value = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), value.size() + 1));
    if (value.empty()) continue;
    const std::string_view raw_name = value.substr(0, value.find('='));
    value.remove_prefix(std::min(value.size(), raw_name.size() + 1));
    if (count >= kMaxQueryParameters) {
      refuse(raw_name, FieldRule::too_many, "there are too many parameters");
      break;
    }
    const auto name = wire::percent_decode(raw_name, true);
    auto decoded = wire::percent_decode(value, true);
    if (!name || std::ranges::find(allowed, *name) == allowed.end()) {
      refuse(raw_name, FieldRule::unknown_member, unknown_parameter(allowed));
    } else if (query.get(*name) != nullptr) {
      refuse(*name, FieldRule::duplicate_member, "must come once");
    } else if (!decoded || !wire::is_utf8(*decoded) || decoded->find('\0') != std::string::npos) {
      refuse(*name, FieldRule::invalid_characters, "must be percent-encoded UTF-8");
    } else {
      query.parameters_.emplace_back(*name, std::move(*decoded));
    }
  }
  if (!error.fields.empty()) return std::unexpected(std::move(error));
  return query;
}

const std::string* Query::get(std::string_view name) const {
  const auto found = std::ranges::find(parameters_, name, &std::pair<std::string, std::string>::first);
  return found == parameters_.end() ? nullptr : &found->second;
}

std::optional<domain::Error> refuse_parameters(std::string_view query) {
  if (query.empty()) return std::nullopt;
  auto parsed = Query::parse(query, {});
  return parsed ? std::nullopt : std::optional(std::move(parsed.error()));
}

}  // namespace tps::http
