// Values that clients write into headers, parameters and paths.
#include <gtest/gtest.h>

#include "http/api/cursor.hpp"
#include "http/api/list_query.hpp"
#include "http/api/parameters.hpp"
#include "http/api/query.hpp"
#include "http/headers/idempotency_key.hpp"
#include "http/headers/media_type.hpp"
#include "http/headers/prefer.hpp"
#include "http/headers/request_id.hpp"
#include "ports/store.hpp"
#include "wire/timestamp.hpp"
#include "wire/utf8.hpp"

namespace tps::http {
namespace {

using domain::ErrorCode;

Request with_headers(std::vector<std::pair<std::string_view, std::string_view>> headers) {
  Request request;
  request.headers = std::move(headers);
  return request;
}

TEST(IdempotencyKey, QuotedAndBareAreTheSame) {
  struct Case {
    std::string text;
    std::optional<std::string> key;
  };
  const Case cases[] = {
      {"", std::nullopt},
      {"\"\"", std::nullopt},
      {"\"a", std::nullopt},
      {"\"", std::nullopt},
      {"a b", std::nullopt},
      {"\"a b\"", std::nullopt},
      {R"("a"b")", std::nullopt},
      {"\"a\"; p=1", std::nullopt},
      {R"("a\b")", std::nullopt},
      {R"("a\")", std::nullopt},
      {"caf\xC3\xA9", std::nullopt},
      {std::string(256, 'a'), std::nullopt},
      {std::string(255, 'a'), std::string(255, 'a')},
      {"a", "a"},
      {"\"a\"", "a"},
      {" \"a\" ", "a"},
      {R"("a\"\\")", R"(a"\)"},
      {R"(a"b)", R"(a"b)"},
  };
  for (const Case& c : cases) EXPECT_EQ(parse_idempotency_key(c.text), c.key) << c.text;
}

TEST(IdempotencyKey, IsRefusedWhenRepeated) {
  EXPECT_EQ(idempotency_key_of(with_headers({})).value(), std::nullopt);
  EXPECT_EQ(idempotency_key_of(with_headers({{"idempotency-KEY", "k"}})).value(), "k");
  const auto twice = idempotency_key_of(with_headers({{"Idempotency-Key", "k"}, {"idempotency-key", "k"}}));
  ASSERT_FALSE(twice.has_value());
  EXPECT_EQ(twice.error().code, ErrorCode::invalid_idempotency_key);
}

TEST(Prefer, WaitIsFoundAndCapped) {
  struct Case {
    const char* value = "";
    std::optional<int> seconds;
  };
  const Case cases[] = {
      {"", std::nullopt},
      {"wait", std::nullopt},
      {"wait=", std::nullopt},
      {"wait=x", std::nullopt},
      {"wait=-1", std::nullopt},
      {"wait=1.5", std::nullopt},
      {"waits=1", std::nullopt},
      {"wait=0", 0},
      {"wait=5", 5},
      {"Wait = 5", 5},
      {"respond-async, wait=5", 5},
      {"wait=5;x=y", 5},
      {"wait=\"5\"", 5},
      {"wait=5, wait=6", 5},
      {"wait=999999999999999999999", 30},
  };
  for (const Case& c : cases) {
    const auto wait = wait_preference(with_headers({{"Prefer", c.value}}), std::chrono::seconds(30));
    EXPECT_EQ(wait ? std::optional<int>(static_cast<int>(wait->count())) : std::nullopt, c.seconds) << c.value;
  }
  EXPECT_EQ(wait_preference(with_headers({{"Prefer", "x"}, {"prefer", "wait=7"}}), std::chrono::seconds(30))->count(),
            7);
}

TEST(MediaType, OnlyUtf8Json) {
  struct Case {
    const char* value;
    BodyKind kind;
  };
  const Case cases[] = {
      {"application/json", BodyKind::json},
      {"Application/JSON; charset=UTF-8", BodyKind::json},
      {"application/json; charset=\"utf-8\"; x=y", BodyKind::json},
      {"application/json; charset=utf-16", BodyKind::other},
      {"application/x-ndjson", BodyKind::json_lines},
      {"application/jsonx", BodyKind::other},
      {"text/json", BodyKind::other},
      {"application/x-www-form-urlencoded", BodyKind::form},
      {"", BodyKind::other},
  };
  for (const Case& c : cases) EXPECT_EQ(body_kind(with_headers({{"Content-Type", c.value}})), c.kind) << c.value;
  EXPECT_EQ(body_kind(with_headers({})), BodyKind::other);
  EXPECT_EQ(body_kind(with_headers({{"Content-Type", "application/json"}, {"content-type", "application/json"}})),
            BodyKind::other);
}

TEST(RequestId, TakesSaneOnesAndMakesOthers) {
  const auto id_for = [](std::string_view given) {
    Request request = with_headers({{"X-Request-Id", given}});
    set_request_id(request);
    return request.request_id;
  };
  EXPECT_EQ(id_for("a-B_9.z"), "a-B_9.z");
  for (const std::string& bad : {std::string(), std::string("a b"), std::string("a\"b"), std::string(65, 'a')}) {
    EXPECT_NE(id_for(bad), bad);
    EXPECT_EQ(id_for(bad).size(), 20U);
  }
  EXPECT_NE(id_for(""), id_for(""));
}

TEST(Timestamp, IsWrittenInUtcWithMicroseconds) {
  std::string text;
  wire::append_timestamp(text, domain::Timestamp(std::chrono::microseconds(1'767'323'045'123'456)));
  EXPECT_EQ(text, "2026-01-02T03:04:05.123456Z");
  EXPECT_EQ(wire::parse_timestamp(text), domain::Timestamp(std::chrono::microseconds(1'767'323'045'123'456)));
}

TEST(Timestamp, ReadsRfc3339Only) {
  const auto expected = wire::parse_timestamp("2026-01-02T03:04:05Z");
  ASSERT_TRUE(expected.has_value());
  for (const char* same : {"2026-01-02t03:04:05z", "2026-01-02T05:04:05+02:00", "2026-01-01T22:34:05-04:30",
                           "2026-01-02T03:04:05.0Z", "2026-01-02T03:04:05.000000-00:00"}) {
    EXPECT_EQ(wire::parse_timestamp(same), expected) << same;
  }
  for (const char* bad :
       {"", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02 03:04:05Z", "2026-13-02T03:04:05Z", "2026-02-30T03:04:05Z",
        "2026-01-02T24:04:05Z", "2026-01-02T03:60:05Z", "2026-01-02T03:04:60Z", "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05.1234567Z", "2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05+0200",
        "2026-01-02T03:04:05Zx", "1969-01-02T03:04:05Z", "2026-1-2T03:04:05Z", "1767323045"}) {
    EXPECT_FALSE(wire::parse_timestamp(bad).has_value()) << bad;
  }
}

TEST(Utf8, GoodAndBad) {
  for (const char* good :
       {"", "a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(wire::is_utf8(good)) << good;
  }
  for (const char* bad : {"\x80", "\xC3", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82", "a\xFF"}) {
    EXPECT_FALSE(wire::is_utf8(bad)) << bad;
  }
}

// The refusals of a query as "code name:rule ...", or "".
std::string refusals(std::string_view text, std::uint32_t partitions = 1) {
  const domain::Currencies currencies;
  const auto query = parse_list_query(text, currencies, partitions);
  if (query) return "";
  std::string out(slug(query.error().code));
  for (const domain::FieldError& field : query.error().fields)
    out += " " + field.pointer + ":" + std::string(slug(field.rule));
  return out;
}

TEST(ListQuery, NamesEveryBadParameter) {
  struct Case {
    std::string query;
    const char* refusals;
  };
  const Case cases[] = {
      {"x=1&user_id=a&user_id=b", "invalid_parameter x:unknown_member user_id:duplicate_member"},
      {"us%65r_id=a&user_id=b", "invalid_parameter user_id:duplicate_member"},
      {"user_id=%GG", "invalid_parameter user_id:invalid_characters"},
      {"user_id=%4", "invalid_parameter user_id:invalid_characters"},
      {"user_id=%FF", "invalid_parameter user_id:invalid_characters"},
      {"user_id=a%00", "invalid_parameter user_id:invalid_characters"},
      {"%FF=1", "invalid_parameter %FF:unknown_member"},
      {"user_id=", "invalid_parameter user_id:too_short"},
      {"user_id=" + std::string(129, 'a'), "invalid_parameter user_id:too_long"},
      {"status=done&type=void_&currency=XXQ&order=up",
       "invalid_parameter status:unknown_value type:unknown_value currency:unknown_currency order:unknown_value"},
      {"limit=0", "invalid_parameter limit:too_small"},
      {"limit=1001", "invalid_parameter limit:too_large"},
      {"limit=1e2", "invalid_parameter limit:not_a_number"},
      {"limit=", "invalid_parameter limit:not_a_number"},
      {"limit=99999999999999999999", "invalid_parameter limit:not_a_number"},
      {"parent_id=0", "invalid_parameter parent_id:unknown_value"},
      {"created_from=yesterday", "invalid_parameter created_from:unknown_value"},
      {"created_from=2026-01-02T03:04:05+02:00", "invalid_parameter created_from:unknown_value"},
      {"after=5", "invalid_parameter after:not_allowed"},
      {"after=x&order=asc", "invalid_parameter after:not_a_number"},
      {"after=5&order=asc&cursor=x", "invalid_parameter after:not_allowed"},
      {"cursor=x", "invalid_cursor"},
      {"cursor=", "invalid_cursor"},
      {"", ""},
      {"&&limit=5&", ""},
  };
  for (const Case& c : cases) EXPECT_EQ(refusals(c.query), c.refusals) << c.query;
}

TEST(ListQuery, ReadsEveryFilter) {
  const domain::Currencies currencies;
  const auto query = parse_list_query(
      "user_id=a+b%2Fc&status=settled&type=void&currency=usd&reference=r&parent_id=7&created_from=2026-01-02T03:04:05%"
      "2B00:00"
      "&created_to=2026-01-02T03:04:06Z&limit=1000&order=asc&after=0",
      currencies, 1);
  ASSERT_TRUE(query.has_value());
  EXPECT_EQ(query->user_id, "a b/c");
  EXPECT_EQ(query->status, domain::Status::settled);
  EXPECT_EQ(query->type, domain::Type::void_);
  EXPECT_EQ(query->currency, "USD");
  EXPECT_EQ(query->reference, "r");
  EXPECT_EQ(query->parent_id, 7);
  EXPECT_EQ(*query->created_to - *query->created_from, std::chrono::seconds(1));
  EXPECT_EQ(query->limit, 1000U);
  EXPECT_EQ(query->order, ports::Order::oldest_first);
  EXPECT_EQ(query->after, std::nullopt);
}

TEST(Parameters, IdsAreSmallPositiveDecimals) {
  for (const char* bad :
       {"", "0", "01", "-1", "+1", "1.0", "a", "1a", "0x1", " 1", "9007199254740993", "99999999999999999999"}) {
    EXPECT_FALSE(parse_id(bad).has_value()) << bad;
  }
  EXPECT_EQ(parse_id("1"), 1);
  EXPECT_EQ(parse_id("9007199254740992"), std::int64_t{1} << 53);
}

TEST(ListQuery, TheFeedStartsAtAnIdOnlyInASinglePartition) {
  const domain::Currencies currencies;
  const auto positions = [&](std::string_view text, std::uint32_t partitions) {
    const auto query = parse_list_query(text, currencies, partitions);
    return query ? std::optional(query->positions) : std::nullopt;
  };
  using Positions = std::vector<std::int64_t>;
  EXPECT_EQ(positions("order=asc", 1), Positions{});
  EXPECT_EQ(positions("order=asc&after=0", 1), Positions{});
  EXPECT_EQ(positions("order=asc&after=7", 1), Positions{7});
  EXPECT_EQ(positions("order=asc&after=0", 3), Positions{});
  EXPECT_EQ(positions("order=asc&after=7", 3), std::nullopt);
  EXPECT_EQ(refusals("order=asc&after=7", 3), "invalid_parameter after:not_allowed");

  const auto query = parse_list_query("order=asc&user_id=a", currencies, 3);
  const Positions reached{5, domain::id_before_first(1), domain::id_before_first(2) + 9};
  const std::string cursor = make_cursor(reached, *query);
  EXPECT_EQ(positions("order=asc&user_id=a&limit=2&cursor=" + cursor, 3), reached);
  EXPECT_EQ(refusals("order=asc&user_id=b&cursor=" + cursor, 3), "invalid_cursor");
  EXPECT_EQ(refusals("user_id=a&cursor=" + cursor, 3), "invalid_cursor");
  EXPECT_EQ(refusals("order=asc&user_id=a&cursor=" + cursor, 2), "invalid_cursor");
}

}  // namespace
}  // namespace tps::http
