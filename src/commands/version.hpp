// `tps version`.
#pragma once

namespace tps {

// On stdout. The exit code.
int show_version(bool json);

}  // namespace tps
