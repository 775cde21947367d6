#include "adapters/sqlite/file_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

namespace tps::sqlite {
namespace {

constexpr int kOpenAttempts = 10;      // while another process keeps exchanging the file
constexpr std::size_t kPidBytes = 32;  // with the end of the line

using Inode = std::pair<dev_t, ino_t>;

// The files that this process has locked. SQLite's own locks are POSIX locks: closing any descriptor of a file drops
// all that the process has on it. So a file that is in here must not even be opened a second time to try the lock.
struct Locked {
  std::mutex mutex;
  std::set<Inode> inodes;  // under mutex
};

Locked& locked() {
  static Locked all;
  return all;
}

std::string failure_at(const std::string& path) { return fmt::format("{}: {}", path, std::strerror(errno)); }

std::string canonical_of(const std::string& path) {
  std::error_code error;
  const std::filesystem::path canonical = std::filesystem::canonical(path, error);
  return error ? path : canonical.string();
}

std::string name_beside(const std::string& path) { return canonical_of(path) + ".lock"; }

std::string in_use(const std::string& path) {
  std::array<char, kPidBytes + 1> text{};
  const int file = ::open(name_beside(path).c_str(), O_RDONLY | O_CLOEXEC);
  const ssize_t length = file < 0 ? -1 : pread(file, text.data(), kPidBytes, 0);
  if (file >= 0) close(file);
  const std::string_view content(text.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  const std::string_view pid = content.substr(0, content.find_first_not_of("0123456789"));
  return fmt::format(
      "{} is in use by another tps{}: stop that one, or name another file with --database-url sqlite:PATH", path,
      pid.empty() ? "" : fmt::format(" (process {})", pid));
}

std::string several_links(const std::string& path, nlink_t count) {
  return fmt::format(
      "{} has {} hard links, and each name would get a log of its own: remove the other names (find -samefile {})",
      path, count, path);
}

struct Taken {
  int file = -1;
  Inode inode{};
};

// The locked file; nullopt: the path leads to another file by now.
std::expected<std::optional<Taken>, std::string> lock_database_file(const std::string& path,
                                                                    const std::set<Inode>& ours) {
  struct stat before{};
  if (stat(path.c_str(), &before) == 0 && ours.contains({before.st_dev, before.st_ino})) {
    return std::unexpected(in_use(path));
  }
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return std::unexpected(failure_at(path));
  std::optional<std::string> refusal;
  struct stat opened{};
  struct stat there{};
  if (fstat(file, &opened) != 0) {
    refusal = failure_at(path);
  } else if (!S_ISREG(opened.st_mode)) {
    refusal = path + " is not a regular file";
  } else if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    // flock, because SQLite's POSIX locks and this one do not see each other: `tps keys`, `tps verify` and sqlite3 read
    // and write beside a server as SQLite arranges it.
    refusal = errno == EWOULDBLOCK ? in_use(path) : failure_at(path);
  } else if (opened.st_nlink > 1) {
    refusal = several_links(path, opened.st_nlink);
  }
  const bool same =
      !refusal && stat(path.c_str(), &there) == 0 && there.st_dev == opened.st_dev && there.st_ino == opened.st_ino;
  if (same) return Taken{file, {opened.st_dev, opened.st_ino}};
  close(file);
  if (refusal) return std::unexpected(*refusal);
  return std::nullopt;
}

// PATH.lock, locked. It tells operators which process has the file, and keeps out versions of tps that lock only it.
std::expected<int, std::string> lock_beside(const std::string& path) {
  const std::string name = name_beside(path);
  const int file = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return std::unexpected(failure_at(name));
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    std::string refusal = errno == EWOULDBLOCK ? in_use(path) : failure_at(name);
    close(file);
    return std::unexpected(std::move(refusal));
  }
  const std::string pid = fmt::format("{:<{}}\n", getpid(), kPidBytes - 1);
  if (pwrite(file, pid.data(), pid.size(), 0) < 0) {
    std::string refusal = failure_at(name);
    close(file);
    return std::unexpected(std::move(refusal));
  }
  return file;
}

}  // namespace

FileLock::FileLock(std::string path, int file, int beside) : path_(std::move(path)), file_(file), beside_(beside) {}

FileLock::FileLock(FileLock&& other) noexcept
    : path_(other.path_), file_(std::exchange(other.file_, -1)), beside_(std::exchange(other.beside_, -1)) {}

FileLock::~FileLock() {
  if (file_ < 0) return;
  const std::lock_guard guard(locked().mutex);
  struct stat opened{};
  if (fstat(file_, &opened) == 0) locked().inodes.erase({opened.st_dev, opened.st_ino});
  close(file_);
  close(beside_);
}

std::expected<FileLock, std::string> FileLock::take(const std::string& path) {
  const std::lock_guard guard(locked().mutex);
  for (int attempt = 0; attempt < kOpenAttempts; ++attempt) {
    auto taken = lock_database_file(path, locked().inodes);
    if (!taken) return std::unexpected(taken.error());
    if (!*taken) continue;
    const std::string canonical = canonical_of(path);
    auto beside = lock_beside(canonical);
    if (!beside) {
      close((*taken)->file);
      return std::unexpected(beside.error());
    }
    locked().inodes.insert((*taken)->inode);
    return FileLock(canonical, (*taken)->file, *beside);
  }
  return std::unexpected(path + " is being exchanged by another program");
}

std::string hard_link_refusal(const std::string& path) {
  struct stat found{};
  if (stat(path.c_str(), &found) != 0 || found.st_nlink <= 1) return "";
  return several_links(path, found.st_nlink);
}

}  // namespace tps::sqlite
