// From the words after `tps` to a command that can run.
#pragma once

#include <expected>
#include <functional>

namespace tps {

// The command that was given, with its settings read and checked, and the log set up. The error is the exit code: help
// was shown, or stderr says what is wrong. Secrets in argv and in the environment are overwritten.
std::expected<std::function<int()>, int> parse_command_line(int argc, char** argv);

}  // namespace tps
