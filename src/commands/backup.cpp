#include "commands/backup.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "commands/verify.hpp"
#include "program/database_copy.hpp"
#include "program/exit.hpp"

namespace tps {

int backup(const Settings& settings, const BackupOptions& options) {
  if (const auto done = back_up(settings, options.file, options.force); !done) {
    return fail(done.error().text, done.error().exit_code);
  }
  fmt::print("the backup is in {}\n", options.file);
  std::fflush(stdout);
  return verify(with_sqlite_file(settings, options.file), {.quiet = options.quiet});
}

int restore(const Settings& settings, const BackupOptions& options) {
  if (const auto done = restore(settings, options.file, options.force); !done) {
    return fail(done.error().text, done.error().exit_code);
  }
  fmt::print("the database is what {} was\n", options.file);
  std::fflush(stdout);
  return verify(settings, {.quiet = options.quiet});
}

}  // namespace tps
