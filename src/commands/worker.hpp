// `tps worker`: only settles. Serves its own /health, /readiness and /metrics, but no API.
#pragma once

#include "program/settings.hpp"

namespace tps {

// Settles until SIGTERM or SIGINT. The exit code.
int worker(const Settings& settings);

}  // namespace tps
