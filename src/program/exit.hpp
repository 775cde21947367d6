// The exit codes of the program, as documented in --help, and the last words on stderr.
#pragma once

#include <string>

namespace tps {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

// Says why on stderr; answers the exit code.
int fail(const std::string& text, int code = kExitFailed);

}  // namespace tps
