#include "domain/money.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace tps::domain {
namespace {

constexpr auto kNan = AmountFault::not_a_number;
constexpr auto kNotPositive = AmountFault::not_positive;
constexpr auto kDecimals = AmountFault::too_many_decimals;
constexpr auto kLarge = AmountFault::too_large;

TEST(Money, RefusesWhatIsNotAnAmount) {
  struct Case {
    std::string text;
    int exponent;
    AmountFault fault;
  };
  const Case cases[] = {
      {"", 2, kNan},
      {"NaN", 2, kNan},
      {"Infinity", 2, kNan},
      {"-", 2, kNan},
      {"+1", 2, kNan},
      {".5", 2, kNan},
      {"1.", 2, kNan},
      {"01", 2, kNan},
      {"00.1", 2, kNan},
      {"1,5", 2, kNan},
      {" 1", 2, kNan},
      {"1 ", 2, kNan},
      {"0x10", 2, kNan},
      {"1e", 2, kNan},
      {"1e+", 2, kNan},
      {"1.5.5", 2, kNan},
      {"1_000", 2, kNan},
      {"\xD9\xA1", 2, kNan},
      {std::string("1\0", 2), 2, kNan},
      {"--1", 2, kNan},
      {"0", 2, kNotPositive},
      {"-1", 2, kNotPositive},
      {"0.00", 2, kNotPositive},
      {"-0", 2, kNotPositive},
      {"0e400", 2, kNotPositive},
      {"-1e400", 2, kNotPositive},
      {"0.0000", 2, kNotPositive},
      {"12.755", 2, kDecimals},
      {"12.7500", 2, kDecimals},
      {"0.1", 0, kDecimals},
      {"1.0", 0, kDecimals},
      {"1e-3", 2, kDecimals},
      {"12.5e-2", 2, kDecimals},
      {"1e-400", 18, kDecimals},
      {"0.0001", 3, kDecimals},
      {"1e400", 2, kLarge},
      {"1" + std::string(30, '0'), 2, kLarge},
      {"92233720368547758.08", 2, kLarge},
      {"9223372036854775808", 0, kLarge},
      {"1e99999999999999999999", 2, kLarge},
      {"9.3", 18, kLarge},
  };
  for (const Case& one : cases) {
    const auto result = parse_amount(one.text, one.exponent);
    ASSERT_FALSE(result.has_value()) << one.text;
    EXPECT_EQ(result.error(), one.fault) << one.text;
  }
}

TEST(Money, ReadsExactly) {
  struct Case {
    std::string_view text;
    int exponent;
    std::int64_t minor;
  };
  const Case cases[] = {
      {"12.75", 2, 1275},
      {"12.7", 2, 1270},
      {"12", 2, 1200},
      {"0.01", 2, 1},
      {"1", 0, 1},
      {"1.234", 3, 1234},
      {"1.2345", 4, 12345},
      {"1e2", 2, 10000},
      {"1.275e1", 2, 1275},
      {"1275e-2", 2, 1275},
      {"1E+2", 0, 100},
      {"0.1e1", 0, 1},
      {"92233720368547758.07", 2, std::numeric_limits<std::int64_t>::max()},
      {"9223372036854775807", 0, std::numeric_limits<std::int64_t>::max()},
      {"0.000000000000000001", 18, 1},
      {"0.29", 2, 29},  // 0.29 * 100 is 28.999... in binary
      {"4.35", 2, 435},
      {"1.15", 2, 115},
  };
  for (const Case& one : cases) {
    const auto result = parse_amount(one.text, one.exponent);
    ASSERT_TRUE(result.has_value()) << one.text;
    EXPECT_EQ(*result, one.minor) << one.text;
  }
}

TEST(Money, WritesWithExactlyTheCurrencysDecimals) {
  struct Case {
    std::int64_t minor;
    int exponent;
    std::string_view text;
  };
  const Case cases[] = {
      {1275, 2, "12.75"},
      {1, 2, "0.01"},
      {10, 2, "0.10"},
      {-5, 2, "-0.05"},
      {0, 2, "0.00"},
      {7, 0, "7"},
      {0, 0, "0"},
      {1234, 3, "1.234"},
      {1, 18, "0.000000000000000001"},
      {std::numeric_limits<std::int64_t>::max(), 2, "92233720368547758.07"},
      {std::numeric_limits<std::int64_t>::min(), 2, "-92233720368547758.08"},
      {std::numeric_limits<std::int64_t>::min(), 0, "-9223372036854775808"},
  };
  for (const Case& one : cases) EXPECT_EQ(format_amount(one.minor, one.exponent), one.text);
}

TEST(Money, ReadsBackWhatItWrote) {
  for (int exponent = 0; exponent <= 18; ++exponent) {
    std::int64_t minor = 1;
    for (int i = 0; i < 60; ++i) {
      EXPECT_EQ(parse_amount(format_amount(minor, exponent), exponent), minor);
      minor = minor > std::numeric_limits<std::int64_t>::max() / 2 ? minor - 12345 : minor * 2 + 1;
    }
  }
}

TEST(Money, CheckedArithmeticSeesOverflow) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(checked_add(kMax, 1), std::nullopt);
  EXPECT_EQ(checked_add(kMax - 1, 1), kMax);
  EXPECT_EQ(checked_sub(-kMax, 2), std::nullopt);
  EXPECT_EQ(checked_sub(5, 7), -2);
}

}  // namespace
}  // namespace tps::domain
