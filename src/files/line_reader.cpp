#include "files/line_reader.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tps::files {
namespace {

constexpr std::size_t kBufferBytes = kMaxLineBytes + (1U << 18U);
constexpr std::size_t kShownBytes = 1'000;  // of a line that is too long
constexpr int kPollMs = 200;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

LineReader::LineReader(int file, std::function<bool()> stop)
    : file_(file), stop_(std::move(stop)), buffer_(kBufferBytes) {}

std::expected<void, std::string> LineReader::fill() {
  std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_), buffer_.begin() + static_cast<std::ptrdiff_t>(end_),
            buffer_.begin());
  end_ -= std::exchange(begin_, 0);
  while (true) {
    pollfd waiting{.fd = file_, .events = POLLIN, .revents = 0};
    const int ready = poll(&waiting, 1, kPollMs);
    if (ready == 0 || (ready < 0 && errno == EINTR)) {
      if (stop_()) return std::unexpected("interrupted");
      continue;
    }
    const ssize_t got = read(file_, buffer_.data() + end_, buffer_.size() - end_);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(std::string("cannot be read: ") + std::strerror(errno));
    ended_ = got == 0;
    end_ += static_cast<std::size_t>(got);
    return {};
  }
}

Line LineReader::take(std::size_t size, std::size_t used) {
  Line line{.number = ++number_, .text = {buffer_.data() + begin_, size}};
  if (number_ == 1 && line.text.starts_with(kByteOrderMark)) line.text.remove_prefix(kByteOrderMark.size());
  begin_ += used;
  bytes_ += used;
  return line;
}

std::expected<std::optional<Line>, std::string> LineReader::next() {
  std::size_t searched = 0;
  while (true) {
    const char* start = buffer_.data() + begin_;
    const std::size_t size = end_ - begin_;
    if (const void* feed = std::memchr(start + searched, '\n', size - searched); feed != nullptr) {
      const auto length = static_cast<std::size_t>(static_cast<const char*>(feed) - start);
      if (length > kMaxLineBytes) return pass_over_long_line();
      return take(length, length + 1);
    }
    if (size > kMaxLineBytes) return pass_over_long_line();
    if (ended_) return size == 0 ? std::optional<Line>() : take(size, size);
    searched = size;
    if (auto filled = fill(); !filled) return std::unexpected(std::move(filled.error()));
  }
}

std::expected<std::optional<Line>, std::string> LineReader::pass_over_long_line() {
  beginning_.assign(buffer_.data() + begin_, kShownBytes);
  while (true) {
    const char* start = buffer_.data() + begin_;
    const void* feed = std::memchr(start, '\n', end_ - begin_);
    const bool whole = feed != nullptr;
    const std::size_t used =
        whole ? static_cast<std::size_t>(static_cast<const char*>(feed) - start) + 1 : end_ - begin_;
    begin_ += used;
    bytes_ += used;
    if (whole || ended_) return Line{.number = ++number_, .text = beginning_, .too_long = true};
    if (auto filled = fill(); !filled) return std::unexpected(std::move(filled.error()));
  }
}

}  // namespace tps::files
