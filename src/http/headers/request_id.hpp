// The name under which a request is found again in answers, logs and problem reports.
#pragma once

#include "http/headers/message.hpp"

namespace tps::http {

// The client's X-Request-Id if it is one header of 1..64 letters, digits, '.', '_' or '-'; else a random one.
void set_request_id(Request& request);

}  // namespace tps::http
