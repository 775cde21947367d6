// Latencies in logarithmic buckets: constant memory, constant cost, and every quantile within 1% of the truth.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tps::bench {

class Histogram {
 public:
  // Values above 2^40 - 1 (18 minutes in nanoseconds) count as 2^40 - 1.
  void record(std::uint64_t value);

  // The largest value of the bucket that contains this quantile (0..1), at most max(). 0 if empty.
  [[nodiscard]] std::uint64_t at(double quantile) const;

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t max() const { return max_; }
  [[nodiscard]] double mean() const;

 private:
  // 2^7 buckets for each power of two.
  static constexpr unsigned kSubBits = 7;
  static constexpr std::size_t kSubBuckets = 1U << kSubBits;
  static constexpr unsigned kValueBits = 40;

  std::array<std::uint64_t, (kValueBits - kSubBits + 1) * kSubBuckets> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace tps::bench
