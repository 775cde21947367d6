// The Prefer header (RFC 7240); the one preference known is wait.
#pragma once

#include <chrono>
#include <optional>

#include "http/headers/message.hpp"

namespace tps::http {

// The seconds of the first `wait=N` of all Prefer headers, at most `cap`. As the RFC asks, preferences that are unknown
// or make no sense are ignored.
std::optional<std::chrono::seconds> wait_preference(const Request& request, std::chrono::seconds cap);

}  // namespace tps::http
