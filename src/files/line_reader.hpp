// The lines of a file or a pipe, read piece by piece: the memory needed does not grow with the file or with a line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tps::files {

inline constexpr std::size_t kMaxLineBytes = 1'000'000;

struct Line {
  std::uint64_t number = 0;  // from 1
  std::string_view text;     // without the line feed; until the next call
  bool too_long = false;     // more than kMaxLineBytes: the text is only its beginning
};

class LineReader {
 public:
  // `file` is open and stays the caller's. While nothing comes, `stop` is asked several times a second; true ends the
  // reading with an error.
  LineReader(int file, std::function<bool()> stop);

  // nullopt at the end. A byte order mark at the start of the file is no part of the first line.
  std::expected<std::optional<Line>, std::string> next();

  // Bytes of all the lines that were handed out.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  std::expected<void, std::string> fill();
  // Hands out the first `size` bytes and passes over `used`.
  Line take(std::size_t size, std::size_t used);
  std::expected<std::optional<Line>, std::string> pass_over_long_line();

  const int file_;
  const std::function<bool()> stop_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // of what is not handed out yet
  std::size_t end_ = 0;
  bool ended_ = false;
  std::uint64_t number_ = 0;
  std::uint64_t bytes_ = 0;
  std::string beginning_;  // of a line that is too long
};

}  // namespace tps::files
