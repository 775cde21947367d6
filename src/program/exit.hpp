// The exit codes of the program, as documented in --help.
#pragma once

namespace tps {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

}  // namespace tps
