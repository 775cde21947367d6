#include "adapters/sqlite/checkpoint_record.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>

namespace tps::sqlite {
namespace {

// One line after the process id that lock_beside() writes.
constexpr off_t kRecordOffset = 32;
constexpr std::size_t kRecordBytes = 64;
constexpr std::string_view kChanging = "changing";
constexpr std::string_view kFileWord = "file ";

// While a checkpoint of a running server is between two of our looks.
constexpr int kLooks = 5;

std::string text_of(const struct stat& file) {
  return fmt::format("{}{} bytes of {}.{:09}", kFileWord, file.st_size, file.st_mtim.tv_sec, file.st_mtim.tv_nsec);
}

bool write_record(int beside, std::string_view text) {
  const std::string line = fmt::format("{:<{}}\n", text, kRecordBytes - 1);
  return pwrite(beside, line.data(), line.size(), kRecordOffset) == static_cast<ssize_t>(line.size()) &&
         fdatasync(beside) == 0;
}

std::string read_record(const std::string& path) {
  const int beside = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (beside < 0) return "";
  std::array<char, kRecordBytes> bytes{};
  const ssize_t length = pread(beside, bytes.data(), bytes.size(), kRecordOffset);
  close(beside);
  std::string text(bytes.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  return text.substr(0, text.find_last_not_of(" \n") + 1);
}

// Whether another process has the lock on PATH.lock (FileLock).
bool is_served(const std::string& path) {
  std::error_code error;
  const std::string beside = std::filesystem::canonical(path, error).string() + ".lock";
  const int file = ::open(beside.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool served = flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(file);
  return served;
}

bool belongs(const std::string& record, const struct stat& file) {
  if (!record.starts_with(kFileWord)) return true;
  const std::string found = text_of(file);
  // Some file systems keep whole seconds, and the rest in memory only.
  const std::size_t seconds_end = file.st_mtim.tv_nsec == 0 ? found.rfind('.') : found.size();
  return record.substr(0, seconds_end) == found.substr(0, seconds_end);
}

}  // namespace

bool CheckpointRecord::changing() const { return write_record(beside_, kChanging); }

void CheckpointRecord::changed() const {
  struct stat file{};
  // The time of the last change must be on the disk as well: SQLite's own fdatasync may leave it out.
  if (fsync(file_) != 0 || fstat(file_, &file) != 0) return;
  static_cast<void>(write_record(beside_, text_of(file)));
}

void CheckpointRecord::forget() const { static_cast<void>(write_record(beside_, "")); }

std::string foreign_log_refusal(const std::string& path) {
  std::error_code error;
  const std::string canonical = std::filesystem::canonical(path, error).string();
  if (error) return "";
  for (int look = 0; look < kLooks; ++look) {
    struct stat file{};
    struct stat log{};
    if (stat(canonical.c_str(), &file) != 0) return "";
    if (stat((canonical + "-wal").c_str(), &log) != 0 || log.st_size == 0) return "";
    // After the file, so that a change between both is seen as one that is under way.
    if (belongs(read_record(canonical + ".lock"), file)) return "";
  }
  return fmt::format(
      "{0} is not the file that {0}-wal belongs to: another one was copied over it, and the log would undo that or mix "
      "both.\n"
      "If the file is a backup that you restored: rm {0}-wal {0}-shm (next time: tps restore BACKUP --force)\n"
      "If only the log is right: put the old file back. If nothing was copied: rm {0}.lock",
      canonical);
}

std::string foreign_log_refusal_to_read(const std::string& path) {
  std::string refusal = foreign_log_refusal(path);
  return refusal.empty() || is_served(path) ? "" : refusal;
}

}  // namespace tps::sqlite
