// How far a long command is, on stderr: a bar on a terminal, a line every few seconds elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace tps::files {

class Progress {
 public:
  // "import", "lines". `total` is in whatever `done` of show() is in; 0: not known. Quiet: shows nothing.
  Progress(std::string_view what, std::string_view unit, std::uint64_t total, bool quiet);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  // Call as often as you like.
  void show(std::uint64_t done, std::uint64_t count);

  // Removes the bar from the terminal, so that other text can be printed.
  void clear();

  [[nodiscard]] std::chrono::duration<double> elapsed() const { return std::chrono::steady_clock::now() - start_; }

 private:
  const std::string what_;
  const std::string unit_;
  const std::uint64_t total_;
  const bool quiet_;
  const bool terminal_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point next_;
  bool shown_ = false;
};

// 1234567 -> "1,234,567"
std::string with_commas(std::uint64_t number);

// The text of Progress: "[=====     ]  50%  1,000 lines  500/s  0:02 left", without the bar for logs.
std::string progress_text(double share, std::uint64_t count, std::string_view unit, double seconds, bool bar);

}  // namespace tps::files
