// The options that commands have in common: those of settings, and --help.
#pragma once

#include "commands/node.hpp"

namespace tps {

// Options for the settings that `command` reads, and --port beside --listen. serve, worker, migrate and health accept
// the other settings, too, without showing them. The texts that are given go to `flags`.
void add_settings(Node& node, Command command, Values& flags);

// --help and --help-all.
void add_help(Node& node);

}  // namespace tps
