#include "histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tps::bench {

void Histogram::record(std::uint64_t value) {
  value = std::min(value, (std::uint64_t{1} << kValueBits) - 1);
  const auto width = static_cast<unsigned>(std::bit_width(value));
  const unsigned shift = width > kSubBits + 1 ? width - kSubBits - 1 : 0;
  // Below 2 * kSubBuckets a bucket is one value; above, the leading 8 bits choose it.
  ++buckets_[shift * kSubBuckets + (value >> shift)];
  ++count_;
  sum_ += value;
  max_ = std::max(max_, value);
}

std::uint64_t Histogram::at(double quantile) const {
  const auto rank =
      std::max(std::uint64_t{1}, static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t index = 0; index < buckets_.size(); ++index) {
    seen += buckets_[index];
    if (seen < rank) continue;
    if (index < kSubBuckets) return index;
    const std::size_t shift = index / kSubBuckets - 1;
    const std::uint64_t lead = index % kSubBuckets + kSubBuckets;
    return std::min(((lead + 1) << shift) - 1, max_);
  }
  return max_;
}

double Histogram::mean() const { return count_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(count_); }

}  // namespace tps::bench
