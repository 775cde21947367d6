#include "adapters/sqlite/open_files.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace tps::sqlite {

OpenFiles::OpenFiles(const std::string& name, const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(name, error);
  // The -shm file is where SQLite's processes agree on locks: a second one would let two of them write at once.
  for (const std::string& file : {error ? path : absolute.string(), path + "-wal", path + "-shm"}) {
    struct stat found{};
    if (stat(file.c_str(), &found) == 0) files_.push_back({file, found.st_dev, found.st_ino});
  }
}

std::string OpenFiles::missing() const {
  for (const File& file : files_) {
    struct stat found{};
    if (stat(file.name.c_str(), &found) != 0) {
      if (errno == ENOMEM) continue;
      return fmt::format("{} is gone ({})", file.name, std::strerror(errno));
    }
    if (found.st_dev != file.device || found.st_ino != file.inode) {
      return fmt::format("{} is another file than the one that was opened", file.name);
    }
  }
  return "";
}

}  // namespace tps::sqlite
