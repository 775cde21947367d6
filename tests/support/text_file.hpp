// An open file with a text, removed with the object.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>
#include <string_view>

namespace tps::test {

class TextFile {
 public:
  explicit TextFile(std::string_view text) : descriptor_(memfd_create("test", MFD_CLOEXEC)) {
    if (write(descriptor_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      throw std::runtime_error("memfd");
    }
    lseek(descriptor_, 0, SEEK_SET);
  }
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;
  ~TextFile() { close(descriptor_); }

  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
};

}  // namespace tps::test
