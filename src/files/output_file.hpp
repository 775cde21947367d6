// Where a command writes its data: standard output, or a file that is there whole or not at all.
#pragma once

#include <sys/stat.h>

#include <expected>
#include <string>
#include <string_view>

namespace tps::files {

class OutputFile {
 public:
  // An empty path is standard output. A regular file at `path`, or where a symbolic link at `path` leads, stays as it
  // is until commit(), which keeps its owner and mode. A device, a pipe or a socket is written directly. Errors are
  // sentences; an empty one means that the reader of standard output has gone.
  std::expected<void, std::string> open(const std::string& path);
  std::expected<void, std::string> write(std::string_view text);
  std::expected<void, std::string> commit();

  OutputFile() = default;
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();  // without commit(), the file was never there

 private:
  [[nodiscard]] std::unexpected<std::string> fault() const;
  std::expected<void, std::string> open_temporary(const struct stat* existing);

  std::string path_;
  std::string temporary_;
  int descriptor_ = -1;
};

}  // namespace tps::files
