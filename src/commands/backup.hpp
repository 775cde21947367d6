// `tps backup` and `tps restore`: copies of the database.
#pragma once

#include <string>

#include "program/settings.hpp"

namespace tps {

struct BackupOptions {
  std::string file;    // the copy
  bool force = false;  // replace what is there
  bool quiet = false;
};

// Both end with the audit of the result, as of `tps verify`: the exit code is its, or says why there is no result.
int backup(const Settings& settings, const BackupOptions& options);
int restore(const Settings& settings, const BackupOptions& options);

}  // namespace tps
