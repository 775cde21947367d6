// A response as bytes.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/headers/message.hpp"

namespace tps::http {

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7).
std::string http_date(std::chrono::sys_seconds time);

// The response's statement about the connection. HTTP/1.1 keeps it without saying so.
enum class ConnectionNote : std::uint8_t { none, keep_alive, close };

// Appends the status line, the headers and the empty line. `date` is an http_date. The body is the caller's to send.
void append_head(std::string& out, const Response& response, const Request& request, ConnectionNote note,
                 std::string_view date);

}  // namespace tps::http
