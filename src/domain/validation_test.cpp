#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/transaction.hpp"

namespace tps::domain {
namespace {

Draft good() {
  Draft draft;
  draft.user_id = "user_11";
  draft.amount = "12.75";
  draft.currency = "USD";
  return draft;
}

using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;

const Currencies kCurrencies;

TEST(Validation, TakesTheSmallestBody) {
  const auto transaction = validate(good(), kCurrencies);
  ASSERT_TRUE(transaction.has_value());
  EXPECT_EQ(transaction->user_id, "user_11");
  EXPECT_EQ(transaction->amount_minor, 1275);
  EXPECT_EQ(transaction->currency, "USD");
  EXPECT_EQ(transaction->type, Type::deposit);
  EXPECT_EQ(transaction->status, Status::pending);
}

TEST(Validation, NamesTheMemberAndTheRule) {
  struct Case {
    std::string_view name;
    void (*spoil)(Draft&);
    std::string_view pointer;
    FieldRule rule;
  };
  static const std::string k129(129, 'u');
  static const std::string k256(256, 'r');
  static const std::string k1001(1001, 'd');
  const Case cases[] = {
      {"no user", [](Draft& d) { d.user_id.reset(); }, "/user_id", FieldRule::required},
      {"empty user", [](Draft& d) { d.user_id = ""; }, "/user_id", FieldRule::too_short},
      {"129 bytes", [](Draft& d) { d.user_id = k129; }, "/user_id", FieldRule::too_long},
      {"NUL", [](Draft& d) { d.user_id = std::string_view("a\0b", 3); }, "/user_id", FieldRule::invalid_characters},
      {"DEL", [](Draft& d) { d.user_id = "a\x7F"; }, "/user_id", FieldRule::invalid_characters},
      {"C1", [](Draft& d) { d.user_id = "a\xC2\x85"; }, "/user_id", FieldRule::invalid_characters},
      {"no amount", [](Draft& d) { d.amount.reset(); }, "/amount", FieldRule::required},
      {"NaN", [](Draft& d) { d.amount = "NaN"; }, "/amount", FieldRule::not_a_number},
      {"zero", [](Draft& d) { d.amount = "0"; }, "/amount", FieldRule::not_positive},
      {"negative", [](Draft& d) { d.amount = "-1"; }, "/amount", FieldRule::not_positive},
      {"decimals", [](Draft& d) { d.amount = "12.755"; }, "/amount", FieldRule::too_many_decimals},
      {"1e400", [](Draft& d) { d.amount = "1e400"; }, "/amount", FieldRule::too_large},
      {"no currency", [](Draft& d) { d.currency.reset(); }, "/currency", FieldRule::required},
      {"unknown", [](Draft& d) { d.currency = "ZZZ"; }, "/currency", FieldRule::unknown_currency},
      {"type", [](Draft& d) { d.type = "gift"; }, "/type", FieldRule::unknown_value},
      {"own type", [](Draft& d) { d.type = "expiry"; }, "/type", FieldRule::unknown_value},
      {"no receiver", [](Draft& d) { d.type = "transfer"; }, "/to_user_id", FieldRule::required},
      {"receiver of a deposit", [](Draft& d) { d.to_user_id = "b"; }, "/to_user_id", FieldRule::not_allowed},
      {"to oneself", [](Draft& d) { d.type = "transfer", d.to_user_id = "user_11"; }, "/to_user_id",
       FieldRule::same_as_user_id},
      {"capture", [](Draft& d) { d.capture = "later"; }, "/capture", FieldRule::unknown_value},
      {"hold of a deposit", [](Draft& d) { d.capture = "manual"; }, "/capture", FieldRule::not_allowed},
      {"hold", [](Draft& d) { d.hold_expires_in = "5"; }, "/hold_expires_in", FieldRule::not_allowed},
      {"automatic hold", [](Draft& d) { d.capture = "automatic", d.hold_expires_in = "5"; }, "/hold_expires_in",
       FieldRule::not_allowed},
      {"reference", [](Draft& d) { d.reference = k256; }, "/reference", FieldRule::too_long},
      {"description", [](Draft& d) { d.description = k1001; }, "/description", FieldRule::too_long},
      {"metadata name", [](Draft& d) { d.metadata = Pairs{{"", "x"}}; }, "/metadata", FieldRule::invalid_characters},
      {"metadata value", [](Draft& d) { d.metadata = Pairs{{"a/b~c", "\n"}}; }, "/metadata/a~1b~0c",
       FieldRule::invalid_characters},
  };
  for (const Case& one : cases) {
    Draft draft = good();
    one.spoil(draft);
    const auto result = validate(draft, kCurrencies);
    ASSERT_FALSE(result.has_value()) << one.name;
    ASSERT_EQ(result.error().size(), 1U) << one.name;
    EXPECT_EQ(result.error().front().pointer, one.pointer) << one.name;
    EXPECT_EQ(slug(result.error().front().rule), slug(one.rule)) << one.name;
  }
}

TEST(Validation, HoldExpiresIn) {
  struct Case {
    std::string_view text;
    std::optional<FieldRule> rule;
    std::int64_t seconds;
  };
  const Case cases[] = {
      {"", FieldRule::not_a_number, 0},
      {"abc", FieldRule::not_a_number, 0},
      {"5.0", FieldRule::not_a_number, 0},
      {"5e1", FieldRule::not_a_number, 0},
      {"+5", FieldRule::not_a_number, 0},
      {" 5", FieldRule::not_a_number, 0},
      {"5 ", FieldRule::not_a_number, 0},
      {"99999999999999999999x", FieldRule::not_a_number, 0},
      {"0", FieldRule::too_small, 0},
      {"-5", FieldRule::too_small, 0},
      {"-99999999999999999999", FieldRule::too_small, 0},
      {"31536001", FieldRule::too_large, 0},
      {"9223372036854775807", FieldRule::too_large, 0},
      {"99999999999999999999", FieldRule::too_large, 0},
      {"1", std::nullopt, 1},
      {"31536000", std::nullopt, 31'536'000},
  };
  for (const Case& one : cases) {
    Draft draft = good();
    draft.type = "withdrawal";
    draft.capture = "manual";
    draft.hold_expires_in = one.text;
    const auto result = validate(draft, kCurrencies);
    ASSERT_EQ(result.has_value(), !one.rule) << one.text;
    if (result) {
      EXPECT_EQ(result->capture, Capture::manual) << one.text;
      EXPECT_EQ(result->hold_expires_at, Timestamp(std::chrono::seconds(one.seconds))) << one.text;
    } else {
      ASSERT_EQ(result.error().size(), 1U) << one.text;
      EXPECT_EQ(result.error().front().pointer, "/hold_expires_in") << one.text;
      EXPECT_EQ(slug(result.error().front().rule), slug(*one.rule)) << one.text;
    }
  }
}

TEST(Validation, AHoldLastsAWeekUnlessSaid) {
  Draft draft = good();
  draft.type = "transfer";
  draft.to_user_id = "b";
  draft.capture = "manual";
  const auto hold = validate(draft, kCurrencies);
  ASSERT_TRUE(hold.has_value());
  EXPECT_EQ(hold->hold_expires_at, Timestamp(std::chrono::days(7)));
  draft.capture = "automatic";
  EXPECT_EQ(validate(draft, kCurrencies)->hold_expires_at, std::nullopt);
  EXPECT_EQ(validate(good(), kCurrencies)->capture, Capture::automatic);
}

// A type or capture that is wrong already says nothing about what depends on it.
TEST(Validation, OneMistakeIsReportedOnce) {
  Draft wrong_type = good();
  wrong_type.type = "gift";
  wrong_type.capture = "manual";
  wrong_type.to_user_id = "b";
  const auto first = validate(wrong_type, kCurrencies);
  ASSERT_FALSE(first.has_value());
  ASSERT_EQ(first.error().size(), 1U);
  EXPECT_EQ(first.error().front().pointer, "/type");
  Draft wrong_capture = good();
  wrong_capture.capture = "later";
  wrong_capture.hold_expires_in = "5";
  const auto second = validate(wrong_capture, kCurrencies);
  ASSERT_FALSE(second.has_value());
  ASSERT_EQ(second.error().size(), 1U);
  EXPECT_EQ(second.error().front().pointer, "/capture");
}

TEST(Validation, ReportsEverythingAtOnceAndAMemberOnce) {
  Draft draft;
  draft.amount = "-1";
  draft.currency = "ZZZ";
  draft.type = "gift";
  const auto result = validate(draft, kCurrencies, {{"/user_id", FieldRule::wrong_type, "must be a string"}});
  ASSERT_FALSE(result.has_value());
  std::vector<std::string> pointers;
  for (const FieldError& error : result.error()) pointers.push_back(error.pointer);
  EXPECT_THAT(pointers, testing::ElementsAre("/user_id", "/amount", "/currency", "/type"));
}

TEST(Validation, MetadataIsCanonical) {
  Draft draft = good();
  draft.metadata = Pairs{{"b", "2\""}, {"a", "1"}};
  const auto transaction = validate(draft, kCurrencies);
  ASSERT_TRUE(transaction.has_value());
  EXPECT_EQ(transaction->metadata, R"({"a":"1","b":"2\""})");
}

TEST(Validation, LimitsAreInclusive) {
  Draft draft = good();
  const std::string user(128, 'u');
  const std::string reference(255, 'r');
  draft.user_id = user;
  draft.reference = reference;
  EXPECT_TRUE(validate(draft, kCurrencies).has_value());
}

}  // namespace
}  // namespace tps::domain
