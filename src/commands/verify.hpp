// `tps verify`: the audit of a database.
#pragma once

#include <cstddef>

#include "program/settings.hpp"

namespace tps {

struct VerifyOptions {
  std::size_t limit = 100;  // differences that are shown
  bool json = false;
  bool quiet = false;
};

// The exit code: kExitOk when there are no differences, kExitFailed when there are or it could not finish. Only reads.
int verify(const Settings& settings, const VerifyOptions& options);

}  // namespace tps
