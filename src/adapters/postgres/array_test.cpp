#include "adapters/postgres/array.hpp"

#include <gtest/gtest.h>

namespace tps::postgres {
namespace {

using namespace std::string_view_literals;

TEST(Array, EmptyHasNoDimension) {
  Array array(Type::int8);
  EXPECT_EQ(array.bytes(),
            "\0\0\0\0"
            "\0\0\0\0"
            "\0\0\0\x14"sv);
  EXPECT_TRUE(array.all_null());
}

TEST(Array, NumbersAreBigEndianWithTheirLength) {
  Array array(Type::int8);
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

TEST(Array, NullsAreFlagged) {
  Array array(Type::text);
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

TEST(Array, EmptyTextIsNotNull) {
  Array array(Type::text);
  array.add(std::string_view{});
  EXPECT_FALSE(array.all_null());
  EXPECT_EQ(array.bytes().substr(20), "\0\0\0\0"sv);
}

TEST(Array, SmallTypes) {
  Array flags(Type::boolean);
  flags.add(true);
  EXPECT_EQ(flags.bytes().substr(20), "\0\0\0\x01\x01"sv);
  Array letters(Type::one_char);
  letters.add('d');
  EXPECT_EQ(letters.bytes().substr(8),
            "\0\0\0\x12"
            "\0\0\0\x01"
            "\0\0\0\x01"
            "\0\0\0\x01"
            "d"sv);
  Array numbers(Type::int2);
  numbers.add(std::int16_t{258});
  EXPECT_EQ(numbers.bytes().substr(20), "\0\0\0\x02\x01\x02"sv);
}

TEST(Array, TimesCountFrom2000) {
  const domain::Timestamp time = kPostgresEpoch + std::chrono::microseconds{513};
  EXPECT_EQ(from_postgres(to_postgres(time)), time);
  Array times(Type::timestamptz);
  times.add(time);
  EXPECT_EQ(times.bytes().substr(20), "\0\0\0\x08\0\0\0\0\0\0\x02\x01"sv);
}

}  // namespace
}  // namespace tps::postgres
