#include "http/api/cursor.hpp"

#include <gtest/gtest.h>

#include "ports/store.hpp"

namespace tps::http {
namespace {

using Positions = std::vector<std::int64_t>;

TEST(Cursor, IsReadForTheSameFiltersOnly) {
  ports::ListQuery query;
  query.user_id = "a";
  query.status = domain::Status::settled;
  const std::string cursor = make_cursor(42, query);
  const std::string feed = make_cursor(Positions{42}, query);
  EXPECT_EQ(read_cursor(cursor, query), 42);
  EXPECT_EQ(read_positions(feed, query), Positions{42});
  query.limit = 7;
  EXPECT_EQ(read_cursor(cursor, query), 42);
  EXPECT_FALSE(read_cursor(feed, query).has_value());
  EXPECT_FALSE(read_positions(cursor, query).has_value());

  const auto refused = [&](auto change) {
    ports::ListQuery other = query;
    change(other);
    return !read_cursor(cursor, other).has_value() && !read_positions(feed, other).has_value();
  };
  EXPECT_TRUE(refused([](auto& q) { q.user_id = "b"; }));
  EXPECT_TRUE(refused([](auto& q) { q.user_id.reset(); }));
  EXPECT_TRUE(refused([](auto& q) { q.status = domain::Status::failed; }));
  EXPECT_TRUE(refused([](auto& q) { q.type = domain::Type::deposit; }));
  EXPECT_TRUE(refused([](auto& q) { q.currency = "USD"; }));
  EXPECT_TRUE(refused([](auto& q) { q.reference = ""; }));
  EXPECT_TRUE(refused([](auto& q) { q.parent_id = 1; }));
  EXPECT_TRUE(refused([](auto& q) { q.created_from = domain::Timestamp{}; }));
  EXPECT_TRUE(refused([](auto& q) { q.created_to = domain::Timestamp{}; }));
}

TEST(Cursor, OfAStatementIsReadForTheSameAccountAndTimesOnly) {
  ports::StatementQuery query{.user_id = "a", .currency = "USD"};
  const std::string cursor = make_cursor(7, query);
  EXPECT_EQ(read_cursor(cursor, query), 7);
  query.limit = 1;
  EXPECT_EQ(read_cursor(cursor, query), 7);
  EXPECT_FALSE(read_cursor(cursor, ports::ListQuery{.user_id = "a", .currency = "USD"}).has_value());

  const auto refused = [&](auto change) {
    ports::StatementQuery other = query;
    change(other);
    return !read_cursor(cursor, other).has_value();
  };
  EXPECT_TRUE(refused([](auto& q) { q.user_id = "b"; }));
  EXPECT_TRUE(refused([](auto& q) { q.currency = "EUR"; }));
  EXPECT_TRUE(refused([](auto& q) { q.from = domain::Timestamp{}; }));
  EXPECT_TRUE(refused([](auto& q) { q.to = domain::Timestamp{}; }));
}

TEST(Cursor, CarriesItsEpoch) {
  constexpr std::uint64_t kEpoch = 0xfedcba9876543210;
  ports::ListQuery query;
  query.epoch = kEpoch;
  ports::StatementQuery of_statement{.user_id = "a", .currency = "USD"};
  of_statement.epoch = kEpoch;
  for (const std::string& cursor :
       {make_cursor(42, query), make_cursor(Positions{42}, query), make_cursor(7, of_statement)}) {
    EXPECT_EQ(epoch_of_cursor(cursor), kEpoch);
  }
  EXPECT_EQ(read_cursor(make_cursor(42, query), ports::ListQuery{}), 42) << "the service refuses it, and says why";
  EXPECT_EQ(epoch_of_cursor("x"), 0U);
}

TEST(Cursor, RefusesEveryOtherText) {
  const ports::ListQuery query;
  for (const std::int64_t id : {std::int64_t{0}, std::int64_t{42}, std::int64_t{200}, std::int64_t{1} << 53}) {
    const std::string cursor = make_cursor(id, query);
    EXPECT_EQ(read_cursor(cursor, query), id);
    for (std::size_t i = 0; i < cursor.size(); ++i) {
      std::string other = cursor;
      other[i] = other[i] == 'A' ? 'B' : 'A';
      EXPECT_FALSE(read_cursor(other, query).has_value()) << other;
    }
    for (const std::string& bad : {std::string(), cursor + "A", cursor + "=", cursor.substr(1),
                                   cursor.substr(0, cursor.size() - 1), std::string(24, '+'), std::string(9000, 'A')}) {
      EXPECT_FALSE(read_cursor(bad, query).has_value()) << bad.substr(0, 100);
    }
  }
}

TEST(Cursor, HoldsAPositionInEachOf256Partitions) {
  const ports::ListQuery query;
  Positions positions;
  for (std::uint32_t partition = 0; partition < domain::kMaxPartitions; ++partition) {
    positions.push_back(domain::id_before_first(partition) + (std::int64_t{1} << (partition % domain::kSequenceBits)));
  }
  const std::string cursor = make_cursor(positions, query);
  EXPECT_EQ(read_positions(cursor, query), positions);
  EXPECT_LT(cursor.size(), 3000U) << "it has to fit a request target";
  positions.push_back(domain::id_before_first(domain::kMaxPartitions));
  EXPECT_FALSE(read_positions(make_cursor(positions, query), query).has_value());
  EXPECT_EQ(read_positions(make_cursor(Positions{}, query), query), Positions{});
  EXPECT_LT(make_cursor(Positions{1, domain::id_before_first(1) + 1}, query).size(), 30U);
}

}  // namespace
}  // namespace tps::http
