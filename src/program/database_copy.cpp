#include "program/database_copy.hpp"

#include <utility>
#include <variant>

#include "adapters/sqlite/backup.hpp"
#include "program/exit.hpp"

namespace tps {
namespace {

constexpr const char* kHowToBackUp =
    "tps backup copies SQLite files. PostgreSQL has its own tools; while tps runs, either of:\n"
    "  pg_dump --format=custom --file=tps.dump postgresql://tps@db/tps\n"
    "  pg_basebackup --checkpoint=fast --wal-method=stream --pgdata=backup\n"
    "More: docs/operations.md, Backup and restore";
constexpr const char* kHowToRestore =
    "tps restore puts SQLite files back. PostgreSQL has its own tools; after all instances and workers are stopped:\n"
    "  createdb --owner=migrator restored\n"
    "  pg_restore --no-owner --no-privileges --exit-on-error --dbname=postgresql://migrator@db/restored tps.dump\n"
    "  tps migrate --database-url postgresql://migrator@db/restored\n"
    "  tps verify --database-url postgresql://migrator@db/restored\n"
    "More: docs/operations.md, Backup and restore";

std::expected<void, CopyRefusal> answer(const std::expected<void, std::string>& done) {
  if (!done) return std::unexpected(CopyRefusal{done.error(), kExitFailed});
  return {};
}

}  // namespace

std::expected<void, CopyRefusal> back_up(const Settings& settings, const std::string& file, bool force) {
  const auto* database = std::get_if<SqliteFile>(&settings.database);
  if (database == nullptr) return std::unexpected(CopyRefusal{kHowToBackUp, kExitUsage});
  return answer(sqlite::back_up(database->path, file, force));
}

std::expected<void, CopyRefusal> restore(const Settings& settings, const std::string& file, bool force) {
  const auto* database = std::get_if<SqliteFile>(&settings.database);
  if (database == nullptr) return std::unexpected(CopyRefusal{kHowToRestore, kExitUsage});
  return answer(sqlite::restore(file, database->path, force));
}

Settings with_sqlite_file(Settings settings, const std::string& file) {
  settings.database = SqliteFile{file};
  return settings;
}

}  // namespace tps
