// The description of each command besides its options: summary, examples, notes and exit codes.
#pragma once

#include <string_view>

#include "commands/page.hpp"

namespace tps {

// `name`: "tps", "tps serve", "tps keys create". An unknown one is a bug and throws std::logic_error.
Page about(std::string_view name);

}  // namespace tps
