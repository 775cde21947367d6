#include "output_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace tps {

std::unexpected<std::string> OutputFile::fault() const {
  if (path_.empty()) {
    return std::unexpected(errno == EPIPE ? "" : std::string("standard output: ") + std::strerror(errno));
  }
  return std::unexpected(path_ + ": " + std::strerror(errno));
}

std::expected<void, std::string> OutputFile::open(const std::string& path) {
  path_ = path;
  if (path.empty()) {
    file_ = stdout;
    return {};
  }
  temporary_ = path + ".tmp" + std::to_string(getpid());
  file_ = std::fopen(temporary_.c_str(), "wxe");
  if (file_ == nullptr) {
    temporary_.clear();
    return fault();
  }
  return {};
}

std::expected<void, std::string> OutputFile::write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) return fault();
  return {};
}

std::expected<void, std::string> OutputFile::commit() {
  if (std::fflush(file_) != 0) return fault();
  if (path_.empty()) return {};
  if (fsync(fileno(file_)) != 0 || std::fclose(std::exchange(file_, nullptr)) != 0) return fault();
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) return fault();
  temporary_.clear();
  return {};
}

OutputFile::~OutputFile() {
  if (!path_.empty() && file_ != nullptr) static_cast<void>(std::fclose(file_));
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

}  // namespace tps
