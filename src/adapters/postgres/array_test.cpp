#include "adapters/postgres/array.hpp"

#include <gtest/gtest.h>

namespace tps::adapters {
namespace {

using namespace std::string_view_literals;

TEST(PostgresArray, EmptyHasNoDimension) {
  PostgresArray array(PostgresType::int8);
  EXPECT_EQ(array.bytes(),
            "\0\0\0\0"
            "\0\0\0\0"
            "\0\0\0\x14"sv);
  EXPECT_TRUE(array.all_null());
}

TEST(PostgresArray, NumbersAreBigEndianWithTheirLength) {
  PostgresArray array(PostgresType::int8);
  array.add(std::int64_t{1});
  array.add(std::int64_t{-2});
  EXPECT_EQ(array.bytes(),
            "\0\0\0\x01"
            "\0\0\0\0"
            "\0\0\0\x14"
            "\0\0\0\x02"
            "\0\0\0\x01"
            "\0\0\0\x08"
            "\0\0\0\0\0\0\0\x01"
            "\0\0\0\x08"
            "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE"sv);
}

TEST(PostgresArray, NullsAreFlagged) {
  PostgresArray array(PostgresType::text);
  array.add(std::optional<std::string>{});
  EXPECT_TRUE(array.all_null());
  array.add(std::optional<std::string>{"ab"});
  EXPECT_FALSE(array.all_null());
  EXPECT_EQ(array.size(), 2);
  EXPECT_EQ(array.bytes(),
            "\0\0\0\x01"
            "\0\0\0\x01"
            "\0\0\0\x19"
            "\0\0\0\x02"
            "\0\0\0\x01"
            "\xFF\xFF\xFF\xFF"
            "\0\0\0\x02"
            "ab"sv);
}

TEST(PostgresArray, EmptyTextIsNotNull) {
  PostgresArray array(PostgresType::text);
  array.add(std::string_view{});
  EXPECT_FALSE(array.all_null());
  EXPECT_EQ(array.bytes().substr(20), "\0\0\0\0"sv);
}

TEST(PostgresArray, SmallTypes) {
  PostgresArray flags(PostgresType::boolean);
  flags.add(true);
  EXPECT_EQ(flags.bytes().substr(20), "\0\0\0\x01\x01"sv);
  PostgresArray letters(PostgresType::one_char);
  letters.add('d');
  EXPECT_EQ(letters.bytes().substr(8),
            "\0\0\0\x12"
            "\0\0\0\x01"
            "\0\0\0\x01"
            "\0\0\0\x01"
            "d"sv);
  PostgresArray numbers(PostgresType::int2);
  numbers.add(std::int16_t{258});
  EXPECT_EQ(numbers.bytes().substr(20), "\0\0\0\x02\x01\x02"sv);
}

TEST(PostgresArray, TimesCountFrom2000) {
  const domain::Timestamp time = kPostgresEpoch + std::chrono::microseconds{513};
  EXPECT_EQ(from_postgres(to_postgres(time)), time);
  PostgresArray times(PostgresType::timestamptz);
  times.add(time);
  EXPECT_EQ(times.bytes().substr(20), "\0\0\0\x08\0\0\0\0\0\0\x02\x01"sv);
}

}  // namespace
}  // namespace tps::adapters
