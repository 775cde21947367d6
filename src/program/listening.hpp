// Checks and limits of a command that listens: its TLS files, its exposure, the number of its clients.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "http/server/server_options.hpp"
#include "program/settings.hpp"

namespace tps {

// Whether the TLS files can be used and the limit of open files leaves room for clients. The error is a sentence that
// begins with the name of what is wrong.
std::expected<void, std::string> check_listening(const Settings& settings);

// Without authentication only loopback addresses may be served; insecure-no-auth allows others, with a warning in the
// log. The error begins with a setting's name.
std::expected<void, std::string> check_exposure(const Settings& settings);

// With as many connections as were asked for, or as the limit of open files allows besides the process's own files and
// a share for operators (/health, /readiness, /metrics), which is logged.
http::ServerOptions server_options(const Settings& settings);

// Of a server that listens as the settings say, on `port`, which may have been chosen for it.
std::string url_of(const Settings& settings, std::uint16_t port);

}  // namespace tps
