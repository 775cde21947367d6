#include "commands/progress.hpp"

#include <gtest/gtest.h>

namespace tps::files {
namespace {

TEST(Progress, Text) {
  EXPECT_EQ(progress_text(0.5, 1'234'567, "lines", 61, true),
            "[===============               ]  50%  1,234,567 lines  20,238/s  1:01 left");
  EXPECT_EQ(progress_text(0.5, 100, "lines", 10, false), " 50%  100 lines  10/s  0:10 left");
  EXPECT_EQ(progress_text(-1, 100, "lines", 0, true), "100 lines  0/s");
  EXPECT_EQ(progress_text(2, 100, "lines", 1, false), "100%  100 lines  100/s");
}

TEST(Progress, Commas) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1'000), "1,000");
  EXPECT_EQ(with_commas(1'234'567), "1,234,567");
}

}  // namespace
}  // namespace tps::files
