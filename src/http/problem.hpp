// Errors on the wire: RFC 9457 problem details. The one place that knows which code is which status.
#pragma once

#include <string>
#include <string_view>

#include "domain/error.hpp"
#include "http/message.hpp"

namespace tps::http {

int status_of(domain::ErrorCode code);

// True when the same request, sent again with the same Idempotency-Key, may be answered differently.
bool is_retryable(domain::ErrorCode code);

// {"type","title","status","detail","instance","code","request_id","retryable","errors","existing_id"}
void append_problem(std::string& out, const domain::Error& error, const Request& request);

// The whole answer, with Retry-After where the code has one.
Response problem(const domain::Error& error, const Request& request);

}  // namespace tps::http
