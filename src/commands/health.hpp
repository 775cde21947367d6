// `tps health`: the check that a container or a script makes of a running instance.
#pragma once

#include "program/settings.hpp"

namespace tps {

// Asks /readiness of the instance that listens as the settings say: kExitOk when it is ready.
int health(const Settings& settings);

}  // namespace tps
