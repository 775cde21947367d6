#include "http/list_query.hpp"

#include <array>
#include <charconv>

#include "http/cursor.hpp"
#include "http/query.hpp"
#include "http/text.hpp"
#include "http/timestamp.hpp"

namespace tps::http {
namespace {

using domain::Error;
using domain::ErrorCode;
using domain::FieldRule;

constexpr std::int64_t kMaxId = std::int64_t{1} << 53;

constexpr std::array<std::string_view, 12> kAllowed{"user_id",   "status",    "type",         "currency",
                                                    "reference", "parent_id", "created_from", "created_to",
                                                    "limit",     "cursor",    "order",        "after"};

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

class ListReader {
 public:
  ListReader(const Query& query, const domain::Currencies& currencies) : query_(query), currencies_(currencies) {}

  std::expected<service::ListQuery, Error> read() {
    read_text("user_id", domain::kMaxUserIdBytes, list_.user_id);
    read_named("status", domain::parse_status, list_.status, "is not a status");
    read_named("type", domain::parse_type, list_.type, "is not a type of transaction");
    read_currency();
    read_text("reference", domain::kMaxReferenceBytes, list_.reference);
    read_named("parent_id", parse_id, list_.parent_id, "must be an id of a transaction");
    constexpr const char* kTime = "must be an RFC 3339 time such as 2026-01-02T03:04:05Z (write + as %2B)";
    read_named("created_from", parse_timestamp, list_.created_from, kTime);
    read_named("created_to", parse_timestamp, list_.created_to, kTime);
    read_limit();
    read_order();
    if (!error_.fields.empty()) return std::unexpected(std::move(error_));
    if (const std::string* cursor = query_.get("cursor")) {
      list_.after = read_cursor(*cursor, list_);
      if (!list_.after) return std::unexpected(Error{ErrorCode::invalid_cursor, {}});
    }
    return std::move(list_);
  }

 private:
  void refuse(std::string_view name, FieldRule rule, std::string detail) {
    error_.fields.push_back({std::string(name), rule, std::move(detail)});
  }

  void read_text(std::string_view name, std::size_t max_bytes, std::optional<std::string>& to) {
    const std::string* text = query_.get(name);
    if (text == nullptr) return;
    if (text->empty()) {
      refuse(name, FieldRule::too_short, "must not be empty");
    } else if (text->size() > max_bytes) {
      refuse(name, FieldRule::too_long, "must be at most " + std::to_string(max_bytes) + " bytes of UTF-8");
    } else {
      to = *text;
    }
  }

  template <class T, class Parse>
  void read_named(std::string_view name, Parse parse, std::optional<T>& to, const char* detail) {
    const std::string* text = query_.get(name);
    if (text == nullptr) return;
    to = parse(*text);
    if (!to) refuse(name, FieldRule::unknown_value, detail);
  }

  void read_currency() {
    const std::string* text = query_.get("currency");
    if (text == nullptr) return;
    const domain::Currency* currency = currencies_.find(*text);
    if (currency == nullptr) {
      refuse("currency", FieldRule::unknown_currency, "must be an ISO 4217 code or a configured asset");
    } else {
      list_.currency = currency->code;
    }
  }

  void read_limit() {
    list_.limit = kDefaultPageSize;
    const std::string* text = query_.get("limit");
    if (text == nullptr) return;
    const auto limit = parse_integer(*text);
    if (!limit) {
      refuse("limit", FieldRule::not_a_number, "must be a whole number");
    } else if (*limit < 1) {
      refuse("limit", FieldRule::too_small, "must be at least 1");
    } else if (*limit > static_cast<std::int64_t>(kMaxPageSize)) {
      refuse("limit", FieldRule::too_large, "must be at most 1000");
    } else {
      list_.limit = static_cast<std::size_t>(*limit);
    }
  }

  void read_order() {
    if (const std::string* order = query_.get("order")) {
      if (*order == "asc") {
        list_.order = service::Order::oldest_first;
      } else if (*order != "desc") {
        refuse("order", FieldRule::unknown_value, "must be asc or desc");
      }
    }
    const std::string* after = query_.get("after");
    if (after == nullptr) return;
    if (list_.order != service::Order::oldest_first) {
      refuse("after", FieldRule::not_allowed, "is for order=asc; use cursor for the newest first");
    } else if (query_.get("cursor") != nullptr) {
      refuse("after", FieldRule::not_allowed, "must not come together with cursor");
    } else {
      list_.after = *after == "0" ? 0 : parse_id(*after);
      if (!list_.after) refuse("after", FieldRule::not_a_number, "must be an id of a transaction, or 0");
    }
  }

  const Query& query_;
  const domain::Currencies& currencies_;
  service::ListQuery list_;
  Error error_{ErrorCode::invalid_parameter, {}};
};

}  // namespace

std::optional<std::int64_t> parse_id(std::string_view text) {
  if (text.empty() || !is_digit(text.front()) || text.front() == '0') return std::nullopt;
  const auto id = parse_integer(text);
  return id && *id <= kMaxId ? id : std::nullopt;
}

std::expected<service::ListQuery, Error> parse_list_query(std::string_view text, const domain::Currencies& currencies) {
  const auto query = Query::parse(text, kAllowed);
  if (!query) return std::unexpected(query.error());
  return ListReader(*query, currencies).read();
}

}  // namespace tps::http
