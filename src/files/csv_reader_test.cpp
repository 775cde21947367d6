#include "files/csv_reader.hpp"

#include <gtest/gtest.h>

namespace tps::files {
namespace {

using Fields = std::vector<std::string>;
using Fed = CsvRows::Fed;

TEST(CsvRows, OneLineRows) {
  const struct {
    const char* line;
    Fields fields;
  } cases[] = {
      {"a,b", {"a", "b"}},
      {"a,b\r", {"a", "b"}},
      {"a,", {"a", ""}},
      {",", {"", ""}},
      {R"("a","b")", {"a", "b"}},
      {R"("a,b",c)", {"a,b", "c"}},
      {R"("say ""hi""",c)", {R"(say "hi")", "c"}},
      {" a , b ", {" a ", " b "}},
      {"=1+1,b", {"=1+1", "b"}},
      {"\"\",b", {"", "b"}},
  };
  CsvRows rows;
  for (const auto& one : cases) {
    EXPECT_EQ(rows.feed(one.line), Fed::row) << one.line;
    EXPECT_EQ(rows.fields(), one.fields) << one.line;
  }
}

TEST(CsvRows, ARowOverSeveralLines) {
  CsvRows rows;
  EXPECT_EQ(rows.feed("a,\"first"), Fed::more);
  EXPECT_EQ(rows.feed(""), Fed::more);
  EXPECT_EQ(rows.feed("last\",b"), Fed::row);
  EXPECT_EQ(rows.fields(), (Fields{"a", "first\n\nlast", "b"}));
}

TEST(CsvRows, AMalformedRowSpoilsNoOther) {
  CsvRows rows;
  for (const char* line : {R"(a"b,c)", R"("a"b,c)", "a,b\rc,d", R"("a" ,b)"}) {
    EXPECT_EQ(rows.feed(line), Fed::malformed) << line;
    EXPECT_EQ(rows.feed("x,y"), Fed::row) << line;
    EXPECT_EQ(rows.fields(), (Fields{"x", "y"})) << line;
  }
  EXPECT_EQ(rows.feed("a,\"open"), Fed::more);
  rows.reset();
  EXPECT_EQ(rows.feed("x,y"), Fed::row);
  EXPECT_EQ(rows.fields(), (Fields{"x", "y"}));
}

TEST(CsvColumns, Headers) {
  const struct {
    Fields names;
    const char* key;
    bool from_export;
    const char* error;  // part of it; empty: none
  } cases[] = {
      {{"user_id", "amount", "currency"}, "", false, ""},
      {{" currency", "amount ", "user_id"}, "", false, ""},
      {{"user_id", "amount"}, "", false, "has no \"currency\""},
      {{"5", "user_1", "USD"}, "", false, "\"5\" is not a member"},
      {{"user_id", "amount", "currency", "ammount"}, "", false, "\"ammount\" is not a member"},
      {{"user_id", "amount", "currency", ""}, "", false, "has a column without a name: is there a comma too many?"},
      {{"user_id;amount;currency"}, "", false, "separates them by \";\", not by commas"},
      {{"user_id\tamount\tcurrency"}, "", false, "separates them by a tab, not by commas"},
      {{"sep=;"}, "", false, "is \"sep=;\": remove that line"},
      {{"user_id", "amount", "currency", "metadata."}, "", false, "\"metadata.\" is not a member"},
      {{"user_id", "amount", "currency", "amount"}, "", false, "has \"amount\" twice"},
      {{"user_id", "amount", "currency", "metadata", "metadata.a"}, "", false, "both metadata"},
      {{"user_id", "amount", "currency", "status"}, "", false, "set by the server"},
      {{"user_id", "amount", "currency", "status", "frozen"}, "", true, ""},
      {{"user_id", "amount", "currency", "frozen"}, "", false, "\"frozen\" is not a member"},
      {{"user_id", "amount", "currency", "idempotency_key"}, "", false, "needs --key-column"},
      {{"user_id", "amount", "currency", "idempotency_key"}, "idempotency_key", false, ""},
      {{"user_id", "amount", "currency", "payment no"}, "payment no", false, ""},
      {{"user_id", "amount", "currency", "reference"}, "reference", false, ""},
      {{"user_id", "amount", "currency", "id"}, "id", true, ""},
      {{"user_id", "amount", "currency"}, "reference", false, "no \"reference\""},
      {{"user_id", "amount", "currency"}, "amount", false, "\"amount\" cannot be a key"},
      {{"user_id", "amount", "currency", "no", "idempotency_key"}, "no", false, "needs --key-column"},
  };
  for (const auto& one : cases) {
    const auto columns = CsvColumns::parse(one.names, one.key, one.from_export);
    const std::string error = columns ? "" : columns.error();
    if (std::string(one.error).empty()) {
      EXPECT_EQ(error, "");
    } else {
      EXPECT_NE(error.find(one.error), std::string::npos) << one.error << " is not in: " << error;
    }
  }
}

TEST(CsvColumns, RowsAsJson) {
  const struct {
    Fields fields;  // of: user_id, amount, currency, hold_expires_in, metadata.a, metadata.b"
    const char* json;
  } cases[] = {
      {{"u", "1.50", "USD", "", "", ""}, R"({"user_id":"u","amount":"1.50","currency":"USD"})"},
      {{"", "1", "USD", "60", "", ""}, R"({"amount":"1","currency":"USD","hold_expires_in":60})"},
      {{"u", "1", "USD", "6 0", "", ""}, R"({"user_id":"u","amount":"1","currency":"USD","hold_expires_in":"6 0"})"},
      {{"u\"\n", "1", "USD", "", "x", "y"},
       R"({"user_id":"u\"\n","amount":"1","currency":"USD","metadata":{"a":"x","b\"":"y"}})"},
  };
  const auto columns =
      CsvColumns::parse({"user_id", "amount", "currency", "hold_expires_in", "metadata.a", "metadata.b\""}, "", false);
  ASSERT_TRUE(columns);
  for (const auto& one : cases) {
    std::string json;
    EXPECT_TRUE(columns->append_json(json, one.fields));
    EXPECT_EQ(json, one.json);
  }
  std::string json;
  EXPECT_FALSE(columns->append_json(json, {"u", "1", "USD"}));
  for (const char* amount : {"1.23457E+11", "1e3", " 1E5"}) {
    const auto written = columns->append_json(json, {"u", amount, "USD", "", "", ""});
    ASSERT_FALSE(written) << amount;
    EXPECT_TRUE(written.error().contains("is in scientific notation")) << written.error();
  }
  EXPECT_FALSE(columns->append_json(json, {"u", "1", "USD", "", "", "", ""}));
}

TEST(CsvColumns, MetadataAsJsonCannotBringInOtherMembers) {
  const auto columns = CsvColumns::parse({"user_id", "amount", "currency", "metadata"}, "", false);
  ASSERT_TRUE(columns);
  std::string json;
  EXPECT_TRUE(columns->append_json(json, {"u", "1", "USD", R"({"a":"b"})"}));
  EXPECT_EQ(json, R"({"user_id":"u","amount":"1","currency":"USD","metadata":{"a":"b"}})");
  json.clear();
  EXPECT_TRUE(columns->append_json(json, {"u", "1", "USD", "null"}));
  EXPECT_EQ(json, R"({"user_id":"u","amount":"1","currency":"USD","metadata":null})");
  for (const char* metadata : {R"({},"type":"withdrawal")", R"({}} )", R"({"a":1})", "[]", "{", "{}\n{}", R"({},"x":1)",
                               R"({},"reference":null)", R"({"a":"b","a":"c"})", "{\"a\":\n\"b\"}", "nul"}) {
    EXPECT_FALSE(columns->append_json(json, {"u", "1", "USD", metadata})) << metadata;
  }
}

}  // namespace
}  // namespace tps::files
