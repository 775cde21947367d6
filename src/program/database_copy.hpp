// Which copies of the database a database URL allows: of a SQLite file, this program makes and restores them; of
// PostgreSQL, its own tools do.
#pragma once

#include <expected>
#include <string>

#include "program/settings.hpp"

namespace tps {

struct CopyRefusal {
  std::string text;  // for operators
  int exit_code = 1;
};

// Copies the database to `file`, also beside a running server. Replaces a file only with `force`.
std::expected<void, CopyRefusal> back_up(const Settings& settings, const std::string& file, bool force);

// Puts a copy of `file` in the place of the database, which no server may have. Replaces one only with `force`.
std::expected<void, CopyRefusal> restore(const Settings& settings, const std::string& file, bool force);

// The settings with another file as their database.
Settings with_sqlite_file(Settings settings, const std::string& file);

}  // namespace tps
