// `tps migrate`: brings the schema of a database up to date.
#pragma once

#include "program/settings.hpp"

namespace tps {

// The exit code.
int migrate(const Settings& settings);

}  // namespace tps
