// A field of CSV (RFC 4180).
#pragma once

#include <string>
#include <string_view>

namespace tps::wire {

// Quoted where that is needed.
void append_csv_field(std::string& out, std::string_view text);

}  // namespace tps::wire
