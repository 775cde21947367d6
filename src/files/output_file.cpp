#include "files/output_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace tps::files {
namespace {

constexpr mode_t kMode = 0666;  // less what the umask takes away

}  // namespace

std::unexpected<std::string> OutputFile::fault() const {
  if (path_.empty()) {
    return std::unexpected(errno == EPIPE ? "" : std::string("standard output: ") + std::strerror(errno));
  }
  return std::unexpected(path_ + ": " + std::strerror(errno));
}

std::expected<void, std::string> OutputFile::open(const std::string& path) {
  path_ = path;
  if (path.empty()) {
    descriptor_ = STDOUT_FILENO;
    return {};
  }
  struct stat existing{};
  if (stat(path.c_str(), &existing) != 0) {
    // A link that leads nowhere would be replaced by the file.
    struct stat link{};
    if (errno != ENOENT || lstat(path.c_str(), &link) == 0) return fault();
    return open_temporary(nullptr);
  }
  if (S_ISREG(existing.st_mode)) {
    std::error_code error;
    path_ = std::filesystem::canonical(path, error).string();
    if (error) return std::unexpected(path + ": " + error.message());
    return open_temporary(&existing);
  }
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor_ < 0) return fault();
  return {};
}

std::expected<void, std::string> OutputFile::open_temporary(const struct stat* existing) {
  const std::string name = path_ + ".tmp" + std::to_string(getpid());
  descriptor_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode);
  if (descriptor_ < 0) return fault();
  temporary_ = name;
  if (existing == nullptr) return {};
  // Only root may give a file away; another user's file becomes that of who writes it, as with an editor.
  static_cast<void>(fchown(descriptor_, existing->st_uid, existing->st_gid));
  if (fchmod(descriptor_, existing->st_mode & 07777U) != 0) return fault();
  return {};
}

std::expected<void, std::string> OutputFile::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fault();
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

std::expected<void, std::string> OutputFile::commit() {
  if (temporary_.empty()) return {};
  if (fsync(descriptor_) != 0 || std::rename(temporary_.c_str(), path_.c_str()) != 0) return fault();
  temporary_.clear();
  return {};
}

OutputFile::~OutputFile() {
  if (descriptor_ > STDERR_FILENO) close(descriptor_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

}  // namespace tps::files
