// The text of one log line, without its time and its end. Values are escaped, so nothing that a client sends can end a
// line, begin another one, or reach a terminal. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "ops/log.hpp"

namespace tps::ops {

std::string_view name_of(Level level);

// The members of a JSON object, without the braces: "level":"warn","message":"..." and the fields that have a value.
std::string json_line(Level level, std::string_view message, LogFields fields);

// For a person: the level (coloured on request), the message, and the fields that have a value.
std::string human_line(Level level, std::string_view message, LogFields fields, bool colour);

}  // namespace tps::ops
