// `tps import FILE`: transactions of a file into the log, at the rate of the store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "program/settings.hpp"

namespace tps {

// Some lines were rejected, all others imported.
inline constexpr int kExitRejected = 3;

struct ImportOptions {
  std::string file;        // "-": stdin
  std::string format;      // "ndjson" or "csv"; empty: by the file's name
  std::string name;        // empty: SHA-256 of the file
  std::string key_column;  // empty: the key of a line is the name and the line number
  std::string principal = "import";
  std::string rejects;  // empty: FILE.rejects.ndjson
  std::optional<std::uint64_t> max_rejects;
  std::int64_t patience_s = 60;
  bool from_export = false;
  bool json = false;
  bool quiet = false;
};

// Returns the exit code. Imported lines stay imported, whatever happens. The same command continues behind them.
int import_file(const Settings& settings, const ImportOptions& options);

}  // namespace tps
