// A file to import from, or standard input.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <expected>
#include <string>

namespace tps::files {

class SourceFile {
 public:
  SourceFile() = default;
  SourceFile(const SourceFile&) = delete;
  SourceFile& operator=(const SourceFile&) = delete;
  ~SourceFile();

  // "-" is standard input. The error is a sentence.
  std::expected<void, std::string> open(const std::string& path);

  [[nodiscard]] int descriptor() const { return descriptor_; }

  // Can be read twice, and has a size.
  [[nodiscard]] bool is_regular() const { return regular_; }
  [[nodiscard]] std::uint64_t size() const { return regular_ ? static_cast<std::uint64_t>(status_.st_size) : 0; }

  // In hexadecimal digits. Reads all of it, from where it stands, and goes back to the start.
  [[nodiscard]] std::expected<std::string, std::string> sha256() const;

  // True if the file was written to since open().
  [[nodiscard]] bool changed() const;

 private:
  int descriptor_ = -1;
  bool regular_ = false;
  struct stat status_{};
};

}  // namespace tps::files
