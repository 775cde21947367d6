// `tps config`: every setting, its value and where it came from.
#pragma once

#include "program/config.hpp"

namespace tps {

// On stdout, without secrets. The exit code.
int show_config(const Config& config, bool json);

}  // namespace tps
