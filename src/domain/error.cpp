#include "domain/error.hpp"

#include <array>
#include <utility>

#include "domain/names.hpp"

namespace tps::domain {
namespace {

constexpr std::array kErrorCodes{
    Name{ErrorCode::malformed_request, "malformed_request"},
    Name{ErrorCode::malformed_json, "malformed_json"},
    Name{ErrorCode::invalid_idempotency_key, "invalid_idempotency_key"},
    Name{ErrorCode::invalid_parameter, "invalid_parameter"},
    Name{ErrorCode::invalid_cursor, "invalid_cursor"},
    Name{ErrorCode::history_changed, "history_changed"},
    Name{ErrorCode::not_found, "not_found"},
    Name{ErrorCode::method_not_allowed, "method_not_allowed"},
    Name{ErrorCode::unauthorized, "unauthorized"},
    Name{ErrorCode::forbidden, "forbidden"},
    Name{ErrorCode::not_acceptable, "not_acceptable"},
    Name{ErrorCode::request_timeout, "request_timeout"},
    Name{ErrorCode::payload_too_large, "payload_too_large"},
    Name{ErrorCode::uri_too_long, "uri_too_long"},
    Name{ErrorCode::unsupported_media_type, "unsupported_media_type"},
    Name{ErrorCode::expectation_failed, "expectation_failed"},
    Name{ErrorCode::headers_too_large, "headers_too_large"},
    Name{ErrorCode::validation_failed, "validation_failed"},
    Name{ErrorCode::idempotency_key_reused, "idempotency_key_reused"},
    Name{ErrorCode::duplicate_reference, "duplicate_reference"},
    Name{ErrorCode::invalid_parent, "invalid_parent"},
    Name{ErrorCode::group_refused, "group_refused"},
    Name{ErrorCode::unprocessable, "unprocessable"},
    Name{ErrorCode::too_many_requests, "too_many_requests"},
    Name{ErrorCode::overloaded, "overloaded"},
    Name{ErrorCode::draining, "draining"},
    Name{ErrorCode::deadline_exceeded, "deadline_exceeded"},
    Name{ErrorCode::store_unavailable, "store_unavailable"},
    Name{ErrorCode::database_full, "database_full"},
    Name{ErrorCode::database_refuses, "database_refuses"},
    Name{ErrorCode::database_damaged, "database_damaged"},
    Name{ErrorCode::clock_wrong, "clock_wrong"},
    Name{ErrorCode::outcome_unknown, "outcome_unknown"},
    Name{ErrorCode::internal_error, "internal_error"},
};
constexpr std::array kFieldRules{
    Name{FieldRule::duplicate_member, "duplicate_member"},
    Name{FieldRule::unknown_member, "unknown_member"},
    Name{FieldRule::read_only, "read_only"},
    Name{FieldRule::required, "required"},
    Name{FieldRule::wrong_type, "wrong_type"},
    Name{FieldRule::too_short, "too_short"},
    Name{FieldRule::too_long, "too_long"},
    Name{FieldRule::invalid_characters, "invalid_characters"},
    Name{FieldRule::not_a_number, "not_a_number"},
    Name{FieldRule::not_positive, "not_positive"},
    Name{FieldRule::too_many_decimals, "too_many_decimals"},
    Name{FieldRule::too_large, "too_large"},
    Name{FieldRule::too_small, "too_small"},
    Name{FieldRule::unknown_currency, "unknown_currency"},
    Name{FieldRule::unknown_value, "unknown_value"},
    Name{FieldRule::same_as_user_id, "same_as_user_id"},
    Name{FieldRule::not_allowed, "not_allowed"},
    Name{FieldRule::not_supported, "not_supported"},
    Name{FieldRule::too_many, "too_many"},
};
static_assert(is_complete(kErrorCodes, ErrorCode::internal_error));
static_assert(is_complete(kFieldRules, FieldRule::too_many));

}  // namespace

std::string json_pointer(std::string_view prefix, std::string_view name) {
  std::string pointer(prefix);
  for (const char c : name) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

Error too_many_requests(std::chrono::seconds wait, std::string detail) {
  return {ErrorCode::too_many_requests, std::move(detail), {}, {}, wait};
}

std::string_view slug(ErrorCode code) { return text_of(kErrorCodes, code); }
std::string_view slug(FieldRule rule) { return text_of(kFieldRules, rule); }

}  // namespace tps::domain
