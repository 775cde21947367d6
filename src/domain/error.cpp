#include "domain/error.hpp"

#include <utility>

namespace tps::domain {

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

std::string_view slug(ErrorCode code) {
  switch (code) {
    case ErrorCode::malformed_request:
      return "malformed_request";
    case ErrorCode::malformed_json:
      return "malformed_json";
    case ErrorCode::invalid_idempotency_key:
      return "invalid_idempotency_key";
    case ErrorCode::invalid_parameter:
      return "invalid_parameter";
    case ErrorCode::invalid_cursor:
      return "invalid_cursor";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::method_not_allowed:
      return "method_not_allowed";
    case ErrorCode::unauthorized:
      return "unauthorized";
    case ErrorCode::forbidden:
      return "forbidden";
    case ErrorCode::not_acceptable:
      return "not_acceptable";
    case ErrorCode::request_timeout:
      return "request_timeout";
    case ErrorCode::payload_too_large:
      return "payload_too_large";
    case ErrorCode::uri_too_long:
      return "uri_too_long";
    case ErrorCode::unsupported_media_type:
      return "unsupported_media_type";
    case ErrorCode::expectation_failed:
      return "expectation_failed";
    case ErrorCode::headers_too_large:
      return "headers_too_large";
    case ErrorCode::validation_failed:
      return "validation_failed";
    case ErrorCode::idempotency_key_reused:
      return "idempotency_key_reused";
    case ErrorCode::duplicate_reference:
      return "duplicate_reference";
    case ErrorCode::invalid_parent:
      return "invalid_parent";
    case ErrorCode::group_refused:
      return "group_refused";
    case ErrorCode::unprocessable:
      return "unprocessable";
    case ErrorCode::too_many_requests:
      return "too_many_requests";
    case ErrorCode::overloaded:
      return "overloaded";
    case ErrorCode::draining:
      return "draining";
    case ErrorCode::deadline_exceeded:
      return "deadline_exceeded";
    case ErrorCode::store_unavailable:
      return "store_unavailable";
    case ErrorCode::outcome_unknown:
      return "outcome_unknown";
    case ErrorCode::internal_error:
      return "internal_error";
  }
  return "internal_error";
}

std::string_view slug(FieldRule rule) {
  switch (rule) {
    case FieldRule::duplicate_member:
      return "duplicate_member";
    case FieldRule::unknown_member:
      return "unknown_member";
    case FieldRule::read_only:
      return "read_only";
    case FieldRule::required:
      return "required";
    case FieldRule::wrong_type:
      return "wrong_type";
    case FieldRule::too_short:
      return "too_short";
    case FieldRule::too_long:
      return "too_long";
    case FieldRule::invalid_characters:
      return "invalid_characters";
    case FieldRule::not_a_number:
      return "not_a_number";
    case FieldRule::not_positive:
      return "not_positive";
    case FieldRule::too_many_decimals:
      return "too_many_decimals";
    case FieldRule::too_large:
      return "too_large";
    case FieldRule::too_small:
      return "too_small";
    case FieldRule::unknown_currency:
      return "unknown_currency";
    case FieldRule::unknown_value:
      return "unknown_value";
    case FieldRule::same_as_user_id:
      return "same_as_user_id";
    case FieldRule::not_allowed:
      return "not_allowed";
    case FieldRule::not_supported:
      return "not_supported";
    case FieldRule::too_many:
      return "too_many";
  }
  return "wrong_type";
}

}  // namespace tps::domain
