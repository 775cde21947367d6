// `tps man`: man pages, made from the same descriptions as --help.
#pragma once

#include <string>

#include "commands/page.hpp"

namespace tps {

// A page of section 1 in roff, with all options.
std::string man_page(const Page& page);

// On stdout. The exit code.
int print_man_page(const Page& page);

}  // namespace tps
