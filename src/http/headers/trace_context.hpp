// Distributed tracing as W3C Trace Context (https://www.w3.org/TR/trace-context/) has it: the caller's trace is carried
// into the logs and the answer, so that a request is found again in both. No spans are exported.
#pragma once

#include <string_view>

#include "http/headers/message.hpp"

namespace tps::http {

// Makes request.trace, which is empty before, from the `traceparent` header: the caller's trace id and flags with a
// span id of our own. It stays empty when there is no header, several, or one that the recommendation says to ignore.
void set_trace(Request& request);

// The parts of request.trace; empty when it is.
std::string_view trace_id(const Request& request);
std::string_view span_id(const Request& request);
// The caller keeps this trace, so what we know of it should be found, too.
bool is_sampled(const Request& request);

}  // namespace tps::http
