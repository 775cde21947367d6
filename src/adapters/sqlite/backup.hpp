// Copies of a SQLite database: taken beside a running server, and put in a database's place while no server runs. Each
// is one moment of the database, checked before it gets its name, and durable when the function returns.
// The errors are sentences for operators; then the file that was to be written is as it was.
#pragma once

#include <expected>
#include <string>

namespace tps::sqlite {

// Writes a copy of the database at `path` to `file`, as one file without a log. Overwrites a file only with `force`.
std::expected<void, std::string> back_up(const std::string& path, const std::string& file, bool force);

// Puts a copy of `file`, a backup or another database that no server has, in the place of the database at `path`, with
// its log. Refuses while another process has the database. Overwrites a database only with `force`.
std::expected<void, std::string> restore(const std::string& file, const std::string& path, bool force);

}  // namespace tps::sqlite
