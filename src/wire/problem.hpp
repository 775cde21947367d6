// Errors on the wire: RFC 9457 problem details. The one place that knows which code is which status.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "domain/error.hpp"

namespace tps::wire {

int status_of(domain::ErrorCode code);

// The sentence for people: the error's own; else its first broken rule, such as "amount: USD has 2 decimals"; else that
// of its code.
std::string detail_of(const domain::Error& error);

// [{"pointer","code","detail"}]
void append_field_errors(std::string& out, const std::vector<domain::FieldError>& fields);

// {"type","title","status","detail","instance","code","request_id","retryable","errors","existing_id"}; `instance` is
// the path of the request.
void append_problem(std::string& out, const domain::Error& error, std::string_view instance,
                    std::string_view request_id);

// Seconds for the header Retry-After; empty when the code has none and the error names none.
std::string retry_after(const domain::Error& error);

}  // namespace tps::wire
