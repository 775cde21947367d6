#include "wire/json_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tps::wire {
namespace {

using domain::ErrorCode;
using domain::FieldRule;

std::string repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(JsonReader, RefusesWhatIsNotJson) {
  const std::string cases[] = {
      "",
      "  \r\n",
      "{",
      "}",
      "{}}",
      "{}x",
      "{} {}",
      "{\"a\"}",
      "{\"a\":}",
      "{\"a\":1,}",
      "{,}",
      R"({"a":1 "b":2})",
      "{\"a\":1]",
      "[1,]",
      "[1}",
      "{'user_id':1}",
      "{user_id:1}",
      "nul",
      "NaN",
      R"({"amount":NaN})",
      R"({"amount":Infinity})",
      R"({"amount":-Infinity})",
      R"({"amount":+1})",
      R"({"amount":01})",
      R"({"amount":1.})",
      R"({"amount":.5})",
      R"({"amount":1e})",
      R"({"amount":0x10})",
      R"({"amount":1 2})",
      R"({"amount":12abc})",
      R"({"x":tru})",
      R"({"x":truee})",
      R"({"x":[1,2})",
      R"({"x":{"y":nul}})",
      R"({"x":[1,2 3]})",
      R"({"x":"\x"})",
      R"({"x":"\u12"})",
      R"({"x":"a)",
      R"({"user_id":"\ud800"})",
      R"({"user_id":"\udc00"})",
      R"({"user_id":"\ud800\u0041"})",
      R"({"x":"\udc00"})",
      R"({"\udc00":1})",
      R"({"metadata":{"\ud800":"a"}})",
      R"({"metadata":{"a":"\udfff"}})",
      "{\"user_id\":\"a\x01\"}",
      "{\"user_id\":\"a\nb\"}",
      "{\"user_id\":\"\xff\"}",
      "{\"user_id\":\"\xc0\xaf\"}",
      "{\"user_id\":\"\xed\xa0\x80\"}",
      "\xEF\xBB\xBF{}",
      std::string("{}\0", 3),
      repeat("[", 1'000'000),
      repeat("{\"a\":", 100'000),
      R"({"x":)" + repeat("[", 40) + repeat("]", 40) + "}",
  };
  for (const std::string& text : cases) {
    const auto decoded = decode_transaction(text);
    ASSERT_FALSE(decoded.has_value()) << text.substr(0, 100);
    EXPECT_EQ(decoded.error().code, ErrorCode::malformed_json) << text.substr(0, 100);
  }
}

TEST(JsonReader, NamesTheMemberThatIsMalformed) {
  const auto decoded = decode_transaction(R"({"user_id":"a","amount":NaN})");
  ASSERT_FALSE(decoded.has_value());
  ASSERT_EQ(decoded.error().fields.size(), 1U);
  EXPECT_EQ(decoded.error().fields[0].pointer, "/amount");
  EXPECT_EQ(decoded.error().fields[0].rule, FieldRule::not_a_number);
}

TEST(JsonReader, OtherJsonThanAnObjectBreaksARule) {
  for (const char* text : {"[]", "[{\"a\":[1,2]}]", "1", " \"a\" ", "null\n", "true"}) {
    const auto decoded = decode_transaction(text);
    ASSERT_FALSE(decoded.has_value()) << text;
    EXPECT_EQ(decoded.error().code, ErrorCode::validation_failed) << text;
    EXPECT_EQ(decoded.error().fields[0].rule, FieldRule::wrong_type) << text;
  }
}

TEST(JsonReader, ReadsEveryMember) {
  const auto decoded = decode_transaction(R"( {"user_id":"\u00e9\ud83d\ude00","amount": 12.750 ,"currency":"usd",
      "type":"transfer","to_user_id":"b","capture":"manual","hold_expires_in":60,"reference":"r","description":"d",
      "metadata":{"k":"v","l":""}} )");
  ASSERT_TRUE(decoded.has_value());
  EXPECT_TRUE(decoded->errors.empty());
  const domain::Draft& draft = decoded->draft;
  EXPECT_EQ(draft.user_id, "\xC3\xA9\xF0\x9F\x98\x80");
  EXPECT_EQ(draft.amount, "12.750");
  EXPECT_EQ(draft.currency, "usd");
  EXPECT_EQ(draft.type, "transfer");
  EXPECT_EQ(draft.to_user_id, "b");
  EXPECT_EQ(draft.capture, "manual");
  EXPECT_EQ(draft.hold_expires_in, "60");
  EXPECT_EQ(draft.reference, "r");
  EXPECT_EQ(draft.description, "d");
  ASSERT_TRUE(draft.metadata.has_value());
  EXPECT_EQ(draft.metadata->size(), 2U);
  EXPECT_FALSE(draft.idempotency_key.has_value());
}

TEST(JsonReader, KeepsTheDigitsOfAnAmountAsWritten) {
  for (const char* amount :
       {"0.1", "-0", "1e400", "1E-2", "123456789012345678901234567890", "0.10000000000000000000001"}) {
    const auto decoded = decode_transaction(std::string(R"({"amount":)") + amount + "}");
    ASSERT_TRUE(decoded.has_value()) << amount;
    EXPECT_EQ(decoded->draft.amount, amount);
  }
  EXPECT_EQ(decode_transaction(R"({"amount":"12.7500"})")->draft.amount, "12.7500");
}

TEST(JsonReader, ReportsBadMembersAllAtOnce) {
  struct Case {
    const char* text;
    const char* pointer;
    FieldRule rule;
  };
  const Case cases[] = {
      {R"({"user_id":1})", "/user_id", FieldRule::wrong_type},
      {R"({"user_id":["a"]})", "/user_id", FieldRule::wrong_type},
      {R"({"amount":true})", "/amount", FieldRule::wrong_type},
      {R"({"amount":{"value":1}})", "/amount", FieldRule::wrong_type},
      {R"({"hold_expires_in":"60"})", "/hold_expires_in", FieldRule::wrong_type},
      {R"({"metadata":[]})", "/metadata", FieldRule::wrong_type},
      {R"({"metadata":{"a":1}})", "/metadata", FieldRule::wrong_type},
      {R"({"metadata":{"a":"1","a":"1"}})", "/metadata", FieldRule::duplicate_member},
      {R"({"amount":1,"amount":1})", "/amount", FieldRule::duplicate_member},
      {R"({"amount":1,"am\u006funt":1})", "/amount", FieldRule::duplicate_member},
      {R"({"id":1})", "/id", FieldRule::read_only},
      {R"({"status":"settled"})", "/status", FieldRule::read_only},
      {R"({"created_at":"x"})", "/created_at", FieldRule::read_only},
      {R"({"User_Id":"a"})", "/User_Id", FieldRule::unknown_member},
      {R"({"":{"x":[1]}})", "/", FieldRule::unknown_member},
      {R"({"a/b~c":1})", "/a~1b~0c", FieldRule::unknown_member},
      {R"({"idempotency_key":"k"})", "/idempotency_key", FieldRule::unknown_member},
  };
  for (const Case& c : cases) {
    const auto decoded = decode_transaction(c.text);
    ASSERT_TRUE(decoded.has_value()) << c.text;
    ASSERT_EQ(decoded->errors.size(), 1U) << c.text;
    EXPECT_EQ(decoded->errors[0].pointer, c.pointer) << c.text;
    EXPECT_EQ(decoded->errors[0].rule, c.rule) << c.text;
  }
  EXPECT_EQ(decode_transaction(R"({"id":1,"user_id":2,"x":3})")->errors.size(), 3U);
}

TEST(JsonReader, AnswersStayShortHoweverMuchIsWrong) {
  std::string text = "{";
  for (int i = 0; i < 10'000; ++i) text += "\"" + std::string(200, 'x') + "\":1,";
  text += "\"y\":1}";
  const auto decoded = decode_transaction(text);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_LE(decoded->errors.size(), 50U);
  EXPECT_LE(decoded->errors[0].pointer.size(), 65U);
}

TEST(JsonReader, NullIsAbsent) {
  const auto decoded = decode_transaction(R"({"user_id":null,"reference":null,"metadata":null})");
  ASSERT_TRUE(decoded.has_value());
  EXPECT_TRUE(decoded->errors.empty());
  EXPECT_FALSE(decoded->draft.user_id.has_value());
  EXPECT_FALSE(decoded->draft.metadata.has_value());
}

// One letter an item: g good, b bad member, r breaks a rule as a whole, m malformed.
std::string outcome(std::string_view body, bool lines, std::size_t max_items = 10) {
  std::string letters;
  const ItemSink sink = [&](DecodeResult decoded) {
    if (decoded) {
      letters += decoded->errors.empty() ? 'g' : 'b';
    } else {
      letters += decoded.error().code == ErrorCode::malformed_json ? 'm' : 'r';
    }
  };
  const auto read = lines ? decode_lines(body, max_items, sink) : decode_batch(body, max_items, sink);
  if (read) return letters;
  std::string whole(slug(read.error().code));
  for (const domain::FieldError& field : read.error().fields)
    whole += " " + field.pointer + " " + std::string(slug(field.rule));
  return whole;
}

TEST(JsonReader, Batches) {
  struct Case {
    const char* text;
    const char* outcome;
  };
  const Case cases[] = {
      {R"({"transactions":[{"user_id":"a","idempotency_key":"k"},{"x":1},7,{"amount":2}]})", "gbrg"},
      {R"({"transactions":[]})", "validation_failed /transactions too_short"},
      {R"({})", "validation_failed /transactions required"},
      {R"([{"user_id":"a"}])", "validation_failed  wrong_type"},
      {R"({"transactions":{}})", "validation_failed /transactions wrong_type"},
      {R"({"transactions":[{}],"x":1})", "validation_failed /x unknown_member"},
      {R"({"transactions":[{}],"transactions":[{}]})", "validation_failed /transactions duplicate_member"},
      {R"({"transactions":[{},{},{},{},{},{},{},{},{},{},{}]})", "validation_failed /transactions too_many"},
      {R"({"transactions":[{"amount":NaN}]})", "malformed_json"},
      {R"({"transactions":[{}]} x)", "malformed_json"},
      {R"({"transactions":[{})", "malformed_json"},
      {R"({"transactions":[{}})", "malformed_json"},
      {"", "malformed_json"},
  };
  for (const Case& c : cases) EXPECT_EQ(outcome(c.text, false), c.outcome) << c.text;
}

TEST(JsonReader, LinesAnswerForThemselves) {
  EXPECT_EQ(outcome("{\"amount\":1}\n{\"amount\":NaN}\r\n\n  \n{\"x\":1}\n[]\n{\"a\n\xff\n{} {}\n{}", true),
            "gmbrmmmg");
  EXPECT_EQ(outcome("\n \n", true), "validation_failed /transactions too_short");
  EXPECT_EQ(outcome("{}\n{}\n{}", true, 2), "validation_failed /transactions too_many");
}

TEST(JsonReader, BatchItemsAreReadIndependently) {
  std::vector<std::string> users;
  const ItemSink sink = [&](DecodeResult decoded) {
    users.emplace_back(decoded && decoded->draft.user_id ? *decoded->draft.user_id : "-");
  };
  ASSERT_TRUE(decode_lines("{\"user_id\":\"a\\u0062\"}\n{\"user_id\":\"c\"}\n{}", 10, sink).has_value());
  ASSERT_TRUE(decode_batch(R"({"transactions":[{"user_id":"d\n"},{},{"user_id":"e"}]})", 10, sink).has_value());
  EXPECT_THAT(users, testing::ElementsAre("ab", "c", "-", "d\n", "-", "e"));
}

}  // namespace
}  // namespace tps::wire
