#include "commands/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace tps::files {
namespace {

constexpr std::chrono::milliseconds kOnTerminal{100};
constexpr std::chrono::seconds kElsewhere{5};
constexpr int kBarWidth = 30;
constexpr std::string_view kClearLine = "\r\x1b[K";

}  // namespace

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t place = text.size(); place > 3;) text.insert(place -= 3, 1, ',');
  return text;
}

std::string progress_text(double share, std::uint64_t count, std::string_view unit, double seconds, bool bar) {
  std::string text;
  const bool known = share >= 0;
  if (known) {
    share = std::min(share, 1.0);
    const int full = static_cast<int>(share * kBarWidth);
    if (bar) text += fmt::format("[{:=<{}}{: <{}}] ", "", full, "", kBarWidth - full);
    text += fmt::format("{:3.0f}%  ", share * 100);
  }
  const auto rate = seconds > 0 ? static_cast<std::uint64_t>(static_cast<double>(count) / seconds) : 0;
  text += fmt::format("{} {}  {}/s", with_commas(count), unit, with_commas(rate));
  if (known && share > 0 && share < 1) {
    const auto left = static_cast<std::uint64_t>(seconds / share * (1 - share));
    text += fmt::format("  {}:{:02} left", left / 60, left % 60);
  }
  return text;
}

Progress::Progress(std::string_view what, std::string_view unit, std::uint64_t total, bool quiet)
    : what_(what),
      unit_(unit),
      total_(total),
      quiet_(quiet),
      terminal_(isatty(STDERR_FILENO) != 0),
      next_(start_ + (terminal_ ? kOnTerminal : std::chrono::milliseconds(kElsewhere))) {}

void Progress::show(std::uint64_t done, std::uint64_t count) {
  const auto now = std::chrono::steady_clock::now();
  if (quiet_ || now < next_) return;
  next_ = now + (terminal_ ? kOnTerminal : std::chrono::milliseconds(kElsewhere));
  const double share = total_ > 0 ? static_cast<double>(done) / static_cast<double>(total_) : -1;
  const std::string text = progress_text(share, count, unit_, elapsed().count(), terminal_);
  if (terminal_) {
    fmt::print(stderr, "{}{}  {}", kClearLine, what_, text);
    static_cast<void>(std::fflush(stderr));
    shown_ = true;
  } else {
    fmt::print(stderr, "{}: {}\n", what_, text);
  }
}

void Progress::clear() {
  if (shown_) fmt::print(stderr, "{}", kClearLine);
  shown_ = false;
}

}  // namespace tps::files
