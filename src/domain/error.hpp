// Everything that can be wrong with a request, as closed lists in order of precedence: when several
// apply, the earlier one is answered. The enumerator's name is the code on the wire.
// Whether a code is a 4xx or a 5xx is HTTP's business and lives in http/problem.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tps::domain {

// The outcome of a request that does not succeed.
enum class ErrorCode : std::uint8_t {
  // The request cannot be read.
  malformed_request,
  malformed_json,
  invalid_idempotency_key,
  invalid_parameter,
  invalid_cursor,
  history_changed,  // the place is one of a history that the store does not have any more
  not_found,
  method_not_allowed,
  unauthorized,
  forbidden,
  not_acceptable,
  request_timeout,
  payload_too_large,
  uri_too_long,
  unsupported_media_type,
  expectation_failed,
  headers_too_large,
  // The request can be read, but breaks a rule.
  validation_failed,
  idempotency_key_reused,
  duplicate_reference,
  invalid_parent,  // a transaction of this kind can never be captured, voided or reversed
  group_refused,   // an item of an atomic batch, refused only because a neighbour was
  unprocessable,   // the store itself refuses this one item (SQLSTATE 22xxx, 23xxx)
  // Nothing was added; asking again later may work.
  too_many_requests,  // of this caller
  overloaded,
  draining,
  deadline_exceeded,
  store_unavailable,
  database_full,
  database_refuses,
  database_damaged,  // asking again does not work before an operator has restored it
  clock_wrong,       // the times of a log never run back, so a wrong one may not come in
  // It is unknown whether something was added; a client retries with the same Idempotency-Key.
  outcome_unknown,
  internal_error,
};

// The rule that one member of a body or one query parameter breaks.
enum class FieldRule : std::uint8_t {
  duplicate_member,
  unknown_member,
  read_only,
  required,
  wrong_type,
  too_short,
  too_long,
  invalid_characters,
  not_a_number,
  not_positive,
  too_many_decimals,
  too_large,
  too_small,
  unknown_currency,
  unknown_value,
  same_as_user_id,
  not_allowed,
  not_supported,
  too_many,
};

struct FieldError {
  std::string pointer;  // RFC 6901 JSON pointer ("/amount"), or the bare name of a query parameter or header
  FieldRule rule;
  std::string detail;  // one sentence for people

  bool operator==(const FieldError&) const = default;
};

// RFC 6901: `prefix` and the name of a member, in which "~" and "/" are escaped.
std::string json_pointer(std::string_view prefix, std::string_view name);

struct Error {
  ErrorCode code;
  std::string detail;                                 // one sentence for people; empty = the code's default
  std::vector<FieldError> fields{};                   // every broken rule at once
  std::optional<std::int64_t> existing_id{};          // duplicate_reference: the transaction that has it
  std::optional<std::chrono::seconds> retry_after{};  // too_many_requests: when it is worth it
};

// Too many requests of this caller: worth another try after `wait`. `detail` may be empty, as in Error.
Error too_many_requests(std::chrono::seconds wait, std::string detail = {});

// The wire slugs: exactly the enumerators' names.
std::string_view slug(ErrorCode code);
std::string_view slug(FieldRule rule);

// A value, or what the client is told instead.
template <class T>
using Answer = std::expected<T, Error>;

}  // namespace tps::domain
