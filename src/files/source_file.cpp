#include "files/source_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

namespace tps::files {
namespace {

constexpr std::size_t kPieceBytes = 1U << 18U;

std::unexpected<std::string> cannot_read() {
  return std::unexpected(std::string("cannot be read: ") + std::strerror(errno));
}

}  // namespace

SourceFile::~SourceFile() {
  if (descriptor_ > STDERR_FILENO) close(descriptor_);
}

std::expected<void, std::string> SourceFile::open(const std::string& path) {
  descriptor_ = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0 || fstat(descriptor_, &status_) != 0) return cannot_read();
  if (S_ISDIR(status_.st_mode)) return std::unexpected("is a folder");
  regular_ = S_ISREG(status_.st_mode) && path != "-";
  return {};
}

std::expected<std::string, std::string> SourceFile::sha256() const {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (!digest || EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr) != 1) return std::unexpected("no SHA-256");
  std::vector<char> piece(kPieceBytes);
  while (true) {
    const ssize_t got = read(descriptor_, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot_read();
    if (got == 0) break;
    EVP_DigestUpdate(digest.get(), piece.data(), static_cast<std::size_t>(got));
  }
  if (lseek(descriptor_, 0, SEEK_SET) != 0) return cannot_read();
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  EVP_DigestFinal_ex(digest.get(), bytes.data(), &size);
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", bytes.at(i));
  return text;
}

bool SourceFile::changed() const {
  if (!regular_) return false;
  struct stat later{};
  return fstat(descriptor_, &later) != 0 || later.st_size != status_.st_size ||
         later.st_mtim.tv_sec != status_.st_mtim.tv_sec || later.st_mtim.tv_nsec != status_.st_mtim.tv_nsec;
}

}  // namespace tps::files
