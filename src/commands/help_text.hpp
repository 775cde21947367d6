// The text of --help.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "commands/page.hpp"

namespace tps {

// Wrapped to `width` columns. `all`: with advanced options, otherwise with a line that says how many there are.
std::string help_text(const Page& page, std::size_t width, bool all);

// COLUMNS in the environment, else the width of the terminal that is stdout, else 80; at least 40.
std::size_t terminal_width();

// `text` in lines of at most `width` columns; all but the first begin with `indent` spaces, and the first has `used`
// columns already. A longer word has a line of its own.
std::string wrapped(std::string_view text, std::size_t width, std::size_t indent, std::size_t used);

}  // namespace tps
