// `tps worker`: settles, and nothing else. Its own /health, /readiness and /metrics; no API.
#pragma once

#include "program/settings.hpp"

namespace tps {

// Settles until SIGTERM or SIGINT. The exit code.
int worker(const Settings& settings);

}  // namespace tps
