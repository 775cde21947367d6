#include "adapters/sqlite/backup.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "adapters/sqlite/checkpoint_record.hpp"
#include "adapters/sqlite/connection.hpp"
#include "adapters/sqlite/epoch.hpp"
#include "adapters/sqlite/file_lock.hpp"
#include "adapters/sqlite/schema.hpp"

namespace tps::sqlite {
namespace {

namespace fs = std::filesystem;
using Done = std::expected<void, std::string>;

constexpr std::string_view kCheckAll = "PRAGMA integrity_check(1)";

std::unexpected<std::string> failed_at(const std::string& path) {
  return std::unexpected(fmt::format("{}: {}", path, std::strerror(errno)));
}

fs::path folder_of(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  return folder.empty() ? fs::path(".") : folder;
}

// Also of a folder.
Done make_durable(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return failed_at(path);
  const bool durable = fsync(file) == 0;
  Done done = durable ? Done{} : failed_at(path);
  close(file);
  return done;
}

// A copy that gets its name when it is good; removed otherwise.
class Draft {
 public:
  explicit Draft(const std::string& target) : path_(fmt::format("{}.{}.part", target, getpid())) { remove(); }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  ~Draft() { remove(); }

  [[nodiscard]] const std::string& path() const { return path_; }

  // Durable when it is done. Without `force`, a file that came into being meanwhile is not replaced.
  [[nodiscard]] Done take_name(const std::string& target, bool force) const {
    if (auto durable = make_durable(path_); !durable) return durable;
    const unsigned how = force ? 0U : unsigned{RENAME_NOREPLACE};
    if (renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target.c_str(), how) != 0) return failed_at(target);
    return make_durable(folder_of(target).string());
  }

 private:
  void remove() const {
    std::error_code ignored;
    for (const char* suffix : {"", "-journal", "-wal", "-shm"}) fs::remove(path_ + suffix, ignored);
  }

  const std::string path_;
};

std::expected<std::unique_ptr<Connection>, std::string> open_source(const std::string& path) {
  if (access(path.c_str(), R_OK) != 0) return failed_at(path);
  for (const std::string& refusal : {hard_link_refusal(path), foreign_log_refusal_to_read(path)}) {
    if (!refusal.empty()) return std::unexpected(refusal);
  }
  auto source = Connection::open(path, Connection::Mode::read);
  if (source) (*source)->set_deadline(ports::Deadline::max());
  return source;
}

Done check(Connection& copy, const std::string& of) {
  {
    Use use(copy.statement(kCheckAll));
    const int code = use->step();
    if (code != SQLITE_ROW) return std::unexpected(fmt::format("{}: {}", of, copy.fault(code).detail));
    if (use->text(0) != "ok") return std::unexpected(fmt::format("{} is damaged: {}", of, use->text(0)));
  }
  if (const auto refusal = refusal_of_copy(copy); !refusal.empty()) {
    return std::unexpected(fmt::format("{}: {}", of, refusal));
  }
  return {};
}

// One read transaction of the source, however long it takes, so that the copy is one moment of it.
Done copy_to(const std::string& from, const std::string& to) {
  const auto source = open_source(from);
  if (!source) return std::unexpected(source.error());
  const auto copy = Connection::open(to, Connection::Mode::copy);
  if (!copy) return std::unexpected(copy.error());
  (*copy)->set_deadline(ports::Deadline::max());
  if (const int code = (*copy)->copy_from(**source); code != SQLITE_OK) {
    return std::unexpected(fmt::format("{} could not be copied: {}", from, (*copy)->fault(code).detail));
  }
  return check(**copy, from);
}

constexpr std::string_view kHasEpochs = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'epoch_log'";

// Transactions that came after the backup are gone, so caches and cursors of that time must not be believed: the copy
// is another history of the store. An older schema has no epochs, and its migration begins one.
Done begin_another_epoch(const std::string& copy) {
  const auto connection = Connection::open(copy, Connection::Mode::copy);
  if (!connection) return std::unexpected(connection.error());
  {
    Use use((*connection)->statement(kHasEpochs));
    if (use->step() != SQLITE_ROW) return {};
  }
  return begin_epoch(**connection, "restored");
}

// The server that had the database must be able to open what comes in its place.
Done keep_owner(const std::string& copy, const FileLock& lock) {
  struct stat before{};
  if (fstat(lock.file(), &before) != 0) return failed_at(lock.path());
  if (chown(copy.c_str(), before.st_uid, before.st_gid) != 0 || chmod(copy.c_str(), before.st_mode & 07777) != 0) {
    return failed_at(copy);
  }
  return {};
}

bool is_there(const std::string& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

std::string overwrites(const std::string& path) { return path + " exists; to replace it, add --force"; }

// Takes the log of a database into the file, so that both can be replaced in one step; a log that cannot be taken in is
// removed, for SQLite would put it on top of the file that comes.
Done clear_log(const std::string& path, const FileLock& lock) {
  const CheckpointRecord record(lock.file(), lock.beside());
  if (!record.changing()) return failed_at(path + ".lock");
  if (foreign_log_refusal(path).empty()) {
    // Ignored: what cannot be opened is damaged or no database, and it is to be replaced.
    static_cast<void>(Connection::open(path, Connection::Mode::write));
  }
  for (const char* suffix : {"-wal", "-shm", "-journal"}) {
    if (unlink((path + suffix).c_str()) != 0 && errno != ENOENT) return failed_at(path + suffix);
  }
  record.forget();
  return make_durable(folder_of(path).string());
}

bool is_same_file(const std::string& one, const std::string& other) {
  std::error_code ignored;
  return fs::equivalent(one, other, ignored);
}

}  // namespace

Done back_up(const std::string& path, const std::string& file, bool force) {
  if (is_same_file(path, file)) return std::unexpected(file + " is the database itself");
  if (!force && is_there(file)) return std::unexpected(overwrites(file));
  const Draft draft(file);
  if (auto copied = copy_to(path, draft.path()); !copied) return copied;
  return draft.take_name(file, force);
}

Done restore(const std::string& file, const std::string& path, bool force) {
  if (is_same_file(path, file)) return std::unexpected(file + " is the database itself");
  const bool exists = is_there(path);
  if (!force && exists) return std::unexpected(overwrites(path));
  auto lock = FileLock::take(path);
  if (!lock) return std::unexpected(lock.error());
  // A restore that fails must not leave the empty file that taking the lock has made.
  const auto put = [&]() -> Done {
    const Draft draft(lock->path());
    if (auto copied = copy_to(file, draft.path()); !copied) return copied;
    if (auto begun = begin_another_epoch(draft.path()); !begun) return begun;
    if (auto kept = keep_owner(draft.path(), *lock); exists && !kept) return kept;
    if (auto cleared = clear_log(lock->path(), *lock); !cleared) return cleared;
    return draft.take_name(lock->path(), true);
  };
  Done done = put();
  if (!done && !exists) unlink(lock->path().c_str());
  return done;
}

}  // namespace tps::sqlite
