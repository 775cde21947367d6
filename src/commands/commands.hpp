// The commands of the program. Each builds what it needs, in order, on the stack; destructors stop it in reverse.
#pragma once

#include "program/config.hpp"

namespace tps {

// Serves until SIGTERM or SIGINT, then drains.
int serve(const Config& config);

// Settles until SIGTERM or SIGINT.
int worker(const Config& config);

// Brings the schema up to date.
int migrate(const Config& config);

// Every setting, its value and where it came from, on stdout.
int show_config(const Config& config, bool json);

// Reads a password from stdin, without showing it on a terminal; prints its hash.
int hash_password();

// Asks /readiness of the instance at `listen`: 0 when it is ready.
int health(const Config& config);

}  // namespace tps
