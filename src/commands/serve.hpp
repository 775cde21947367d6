// `tps serve`: serves transactions over HTTP.
#pragma once

#include "program/settings.hpp"

namespace tps {

// Serves until SIGTERM or SIGINT, then drains. The exit code.
int serve(const Settings& settings);

}  // namespace tps
