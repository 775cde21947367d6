// Responses that every route may give.
#pragma once

#include "domain/error.hpp"
#include "http/headers/message.hpp"

namespace tps::http {

// The error as a problem (RFC 9457), with Retry-After where its code has one.
Response problem(const domain::Error& error, const Request& request);

}  // namespace tps::http
