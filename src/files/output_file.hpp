// Where a command writes its data: standard output, or a file that is there whole or not at all.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace tps::files {

class OutputFile {
 public:
  // An empty path is standard output. A file at `path` stays as it is until commit(). Errors are sentences; an empty
  // one means that the reader of standard output has gone.
  std::expected<void, std::string> open(const std::string& path);
  std::expected<void, std::string> write(std::string_view text);
  std::expected<void, std::string> commit();

  OutputFile() = default;
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();  // without commit(), the file was never there

 private:
  [[nodiscard]] std::unexpected<std::string> fault() const;

  std::string path_;
  std::string temporary_;
  int descriptor_ = -1;
};

}  // namespace tps::files
