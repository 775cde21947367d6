#include "wire/problem.hpp"

#include <array>

#include "wire/json_writer.hpp"

namespace tps::wire {
namespace {

using domain::ErrorCode;

struct Kind {
  ErrorCode code;
  int status;
  std::string_view title;
  std::string_view detail;  // when the error itself says nothing
  bool retryable = false;
  std::string_view retry_after{};  // seconds
};

// In the order of the enumeration, so that the code is the index.
constexpr std::array kKinds{
    Kind{ErrorCode::malformed_request, 400, "Malformed request", "The request is not valid HTTP"},
    Kind{ErrorCode::malformed_json, 400, "Malformed JSON", "The body is not valid JSON"},
    Kind{ErrorCode::invalid_idempotency_key, 400, "Invalid idempotency key",
         "Idempotency-Key must be one header of 1 to 255 visible ASCII characters, quoted or bare"},
    Kind{ErrorCode::invalid_parameter, 400, "Invalid parameter", "A parameter of the request is not valid"},
    Kind{ErrorCode::invalid_cursor, 400, "Invalid cursor", "The cursor was not made by this server for these filters"},
    Kind{ErrorCode::history_changed, 410, "History changed",
         "The database was put back to another state since this place in it was given out; begin again without it"},
    Kind{ErrorCode::not_found, 404, "Not found", "No such route"},
    Kind{ErrorCode::method_not_allowed, 405, "Method not allowed", "This route does not support the method"},
    Kind{ErrorCode::unauthorized, 401, "Unauthorized", "Valid credentials are required"},
    Kind{ErrorCode::forbidden, 403, "Forbidden", "These credentials do not allow this"},
    Kind{ErrorCode::not_acceptable, 406, "Not acceptable", "This route has no representation that the client accepts"},
    Kind{ErrorCode::request_timeout, 408, "Request timeout", "The request did not arrive in time", true},
    Kind{ErrorCode::payload_too_large, 413, "Payload too large", "The body is too large"},
    Kind{ErrorCode::uri_too_long, 414, "URI too long", "The request target is too long"},
    Kind{ErrorCode::unsupported_media_type, 415, "Unsupported media type", "The body must be application/json"},
    Kind{ErrorCode::expectation_failed, 417, "Expectation failed",
         "The server supports only the expectation 100-continue"},
    Kind{ErrorCode::headers_too_large, 431, "Header fields too large", "The header fields are too large"},
    Kind{ErrorCode::validation_failed, 422, "Validation failed", "A member of the request breaks a rule"},
    Kind{ErrorCode::idempotency_key_reused, 422, "Idempotency key reused",
         "This Idempotency-Key was used before with other content"},
    Kind{ErrorCode::duplicate_reference, 409, "Duplicate reference",
         "The user has a transaction with this reference already"},
    Kind{ErrorCode::invalid_parent, 422, "Invalid parent",
         "A transaction of this kind cannot be captured, voided or reversed"},
    Kind{ErrorCode::group_refused, 409, "Group refused",
         "Another item of the atomic batch was rejected; nothing was added"},
    Kind{ErrorCode::unprocessable, 422, "Unprocessable",
         "The database cannot store this transaction; nothing was added"},
    Kind{ErrorCode::too_many_requests, 429, "Too many requests", "Too many requests; nothing was added", true, "1"},
    Kind{ErrorCode::overloaded, 503, "Overloaded", "The queue is full; nothing was added", true, "1"},
    Kind{ErrorCode::draining, 503, "Shutting down", "This instance is shutting down; nothing was added", true, "1"},
    Kind{ErrorCode::deadline_exceeded, 503, "Deadline exceeded",
         "The request did not start before its deadline; nothing was added", true, "1"},
    Kind{ErrorCode::store_unavailable, 503, "Store unavailable", "The database is unreachable; nothing was added", true,
         "2"},
    Kind{ErrorCode::database_full, 503, "Database full", "The database has no room left; nothing was added", true,
         "30"},
    Kind{ErrorCode::database_refuses, 503, "Database refuses",
         "The database refuses the operation: a permission, a limit or a read-only disk; nothing was added", true,
         "10"},
    Kind{ErrorCode::database_damaged, 503, "Database damaged",
         "The database is damaged, and an operator has to restore it; nothing was added"},
    Kind{ErrorCode::clock_wrong, 503, "Clock wrong", "The clock of this server is wrong; nothing was added", true, "2"},
    Kind{ErrorCode::outcome_unknown, 504, "Outcome unknown",
         "It is unknown whether the request took effect; retry with the same Idempotency-Key", true},
    Kind{ErrorCode::internal_error, 500, "Internal error",
         "An internal error occurred; retry with the same Idempotency-Key", true},
};

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    if (kKinds[i].code != static_cast<ErrorCode>(i)) return false;
  }
  return kKinds.back().code == ErrorCode::internal_error;
}
static_assert(is_in_order());

const Kind& kind_of(ErrorCode code) { return kKinds.at(static_cast<std::size_t>(code)); }

}  // namespace

int status_of(ErrorCode code) { return kind_of(code).status; }

std::string detail_of(const domain::Error& error) {
  if (!error.detail.empty()) return error.detail;
  if (error.fields.empty()) return std::string(kind_of(error.code).detail);
  const domain::FieldError& first = error.fields.front();
  const std::string_view name = std::string_view(first.pointer).substr(first.pointer.starts_with('/') ? 1 : 0);
  return name.empty() ? first.detail : std::string(name) + ": " + first.detail;
}

void append_field_errors(std::string& out, const std::vector<domain::FieldError>& fields) {
  out += '[';
  bool first = true;
  for (const domain::FieldError& field : fields) {
    out += first ? R"({"pointer":)" : R"(,{"pointer":)";
    first = false;
    append_string(out, field.pointer);
    out += R"(,"code":")";
    out += slug(field.rule);
    out += R"(","detail":)";
    append_string(out, field.detail);
    out += '}';
  }
  out += ']';
}

void append_problem(std::string& out, const domain::Error& error, std::string_view instance,
                    std::string_view request_id) {
  const Kind& kind = kind_of(error.code);
  out += R"({"type":"urn:tps:error:)";
  out += slug(error.code);
  out += R"(","title":")";
  out += kind.title;
  out += R"(","status":)";
  append_integer(out, kind.status);
  out += R"(,"detail":)";
  append_string(out, detail_of(error));
  out += R"(,"instance":)";
  append_string(out, instance);
  out += R"(,"code":")";
  out += slug(error.code);
  out += R"(","request_id":)";
  append_string(out, request_id);
  out += kind.retryable ? R"(,"retryable":true)" : R"(,"retryable":false)";
  if (!error.fields.empty()) {
    out += R"(,"errors":)";
    append_field_errors(out, error.fields);
  }
  if (error.existing_id) {
    out += R"(,"existing_id":)";
    append_integer(out, *error.existing_id);
  }
  out += '}';
}

std::string retry_after(const domain::Error& error) {
  return error.retry_after ? std::to_string(error.retry_after->count()) : std::string(kind_of(error.code).retry_after);
}

}  // namespace tps::wire
