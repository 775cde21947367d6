// `tps export`: all transactions of a database into a file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "program/settings.hpp"

namespace tps {

struct ExportOptions {
  std::string output;               // empty: stdout
  std::string format;               // "ndjson" or "csv"; empty: by the name of the output, else ndjson
  std::vector<std::int64_t> after;  // ids; exports only higher ids of their partitions
  std::int64_t patience_s = 60;
  bool json = false;
  bool quiet = false;
};

// Returns the exit code. The output file is complete or does not exist.
int export_all(const Settings& settings, const ExportOptions& options);

}  // namespace tps
