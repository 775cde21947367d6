#include "histogram.hpp"

#include <gtest/gtest.h>

namespace tps::bench {
namespace {

TEST(Histogram, is_exact_below_256) {
  for (std::uint64_t value = 0; value < 256; ++value) {
    Histogram histogram;
    histogram.record(value);
    histogram.record(1'000'000);
    EXPECT_EQ(histogram.at(0.5), value);
  }
}

TEST(Histogram, is_within_one_per_cent_above) {
  for (std::uint64_t value = 256; value < (std::uint64_t{1} << 39); value += value / 3) {
    Histogram histogram;
    histogram.record(value);
    histogram.record((std::uint64_t{1} << 40) - 1);
    const std::uint64_t told = histogram.at(0.5);
    EXPECT_GE(told, value);
    EXPECT_LE(told - value, value / 100) << value;
  }
}

TEST(Histogram, finds_the_quantiles_of_a_thousand) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 1000; ++value) histogram.record(value * 1000);
  const struct {
    double quantile;
    std::uint64_t truth;
  } rows[] = {{0.0, 1000}, {0.5, 500'000}, {0.9, 900'000}, {0.99, 990'000}, {0.999, 999'000}, {1.0, 1'000'000}};
  for (const auto& row : rows) {
    EXPECT_GE(histogram.at(row.quantile), row.truth) << row.quantile;
    EXPECT_LE(histogram.at(row.quantile), row.truth + row.truth / 100) << row.quantile;
  }
  EXPECT_EQ(histogram.max(), 1'000'000U);
  EXPECT_DOUBLE_EQ(histogram.mean(), 500'500.0);
}

TEST(Histogram, bounds_what_is_too_large_and_what_is_missing) {
  Histogram histogram;
  EXPECT_EQ(histogram.at(0.99), 0U);
  histogram.record(UINT64_MAX);
  EXPECT_EQ(histogram.at(0.99), (std::uint64_t{1} << 40) - 1);
}

}  // namespace
}  // namespace tps::bench
