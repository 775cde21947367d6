#include "files/import_reader.hpp"

#include <gtest/gtest.h>

#include "files/import_rejects.hpp"
#include "support/text_file.hpp"

namespace tps::files {
namespace {

const domain::Currencies kCurrencies;

// "LINE user amount_minor [key]" for what is good, "LINE code[ pointer]" for what is not; or "error: ...".
std::vector<std::string> read_all(const std::string& text, ImportReader::Options options) {
  const test::TextFile file(text);
  ImportReader reader(file.descriptor(), std::move(options), kCurrencies, [] { return false; });
  if (auto started = reader.start(); !started) return {"error: " + started.error()};
  std::vector<std::string> found;
  while (true) {
    const auto item = reader.next();
    if (!item) return {"error: " + item.error()};
    if (!*item) return found;
    std::string text_of = std::to_string((*item)->line) + " ";
    if (const auto& made = (*item)->instruction; made) {
      text_of += made->transaction.user_id + " " + std::to_string(made->transaction.amount_minor);
      if (made->key->text.find('\n') == std::string::npos) text_of += " " + made->key->text;
    } else {
      text_of += made.error().code;
      if (!made.error().fields.empty()) text_of += " " + made.error().fields.front().pointer;
    }
    found.push_back(text_of);
  }
}

using Found = std::vector<std::string>;
constexpr FileFormat kCsv = FileFormat::csv;

TEST(ImportReader, Ndjson) {
  EXPECT_EQ(read_all(R"({"user_id":"a","amount":1,"currency":"USD"}

{"user_id":"b","amount":"x","currency":"USD"}
{"user_id":"b","amount":1
nonsense
{"user_id":"c","amount":2,"currency":"JPY","idempotency_key":"k"}
{"user_id":"d","amount":3,"currency":"JPY"})",
                     {.name = "n"}),
            (Found{"1 a 100", "3 validation_failed /amount", "4 malformed_json", "5 malformed_json",
                   "6 validation_failed /idempotency_key", "7 d 3"}));
}

TEST(ImportReader, NdjsonThatIsTooLongOrNoUtf8) {
  std::string text(kMaxLineBytes + 1, ' ');
  text.append("\n{\"user_id\":\"\xFF\"}\n").append(R"({"user_id":"a","amount":1,"currency":"USD"})");
  EXPECT_EQ(read_all(text, {.name = "n"}), (Found{"1 line_too_long", "2 malformed_json", "3 a 100"}));
}

TEST(ImportReader, Csv) {
  EXPECT_EQ(read_all("user_id,amount,currency,description\r\n"
                     "a,1,USD,\"quoted \"\"text\"\", with commas\"\r\n"
                     "\r\n"
                     "b,1,USD,\"over\nlines\"\r\n"
                     "c,1,USD\r\n"
                     "d,2,USD,a\"b\r\n"
                     "e,2,USD,\xFF\r\n"
                     "f,3.5,USD,\r\n"
                     "g,1,USD,\"not closed\r\n"
                     "h,1,USD,x",
                     {.format = kCsv, .name = "n"}),
            (Found{"2 a 100", "4 validation_failed /description", "6 malformed_csv", "7 malformed_csv",
                   "8 malformed_csv", "9 f 350", "10 malformed_csv"}));
}

TEST(ImportReader, ACsvFieldThatNeverEndsIsBounded) {
  std::string text = "user_id,amount,currency\na,1,\"USD\n";
  for (int i = 0; i < 20; ++i) text.append(100'000, 'x').append("\n");
  const auto found = read_all(text + "b,1,USD\n", {.format = kCsv, .name = "n"});
  ASSERT_GT(found.size(), 2U);
  EXPECT_EQ(found.front(), "2 line_too_long");
  EXPECT_EQ(found.back(), "23 b 100");
}

TEST(ImportReader, FilesAsAWhole) {
  EXPECT_EQ(read_all("", {.name = "n"}), Found{});
  EXPECT_EQ(read_all("", {.format = kCsv, .name = "n"}), Found{});
  EXPECT_EQ(read_all("\n\n", {.format = kCsv, .name = "n"}), Found{});
  EXPECT_EQ(read_all("user_id,amount,currency\n", {.format = kCsv, .name = "n"}), Found{});
  for (const char* text : {"a,1,USD\n", "user_id,amount\n", "user_id,amount,currency,what\n", "\"user_id\n"}) {
    EXPECT_TRUE(read_all(text, {.format = kCsv, .name = "n"}).front().starts_with("error: the first line must name"))
        << text;
  }
  EXPECT_TRUE(read_all("", {.key_column = "amount"}).front().starts_with("error: --key-column"));
}

TEST(ImportReader, KeysOfTheirOwn) {
  const std::string lines = R"({"user_id":"a","amount":1,"currency":"JPY","reference":"r","metadata":{"no":"5"}}
{"user_id":"b","amount":1,"currency":"JPY","reference":"two words","metadata":{"x":"5"}}
)";
  EXPECT_EQ(read_all(lines, {.key_column = "reference"}), (Found{"1 a 1 r", "2 validation_failed /reference"}));
  EXPECT_EQ(read_all(lines, {.key_column = "metadata.no"}), (Found{"1 a 1 5", "2 validation_failed /metadata/no"}));
  EXPECT_EQ(read_all(lines, {.key_column = "idempotency_key"}),
            (Found{"1 validation_failed /idempotency_key", "2 validation_failed /idempotency_key"}));
  EXPECT_EQ(read_all("no,user_id,amount,currency\n7,a,1,JPY\n,b,1,JPY\n", {.format = kCsv, .key_column = "no"}),
            (Found{"2 a 1 7", "3 validation_failed /no"}));
}

TEST(ImportReader, KeysByNameAndLine) {
  EXPECT_NE(import_key("n", 1), import_key("n", 2));
  EXPECT_NE(import_key("n", 1), import_key("m", 1));
  EXPECT_NE(import_key("n", 11), import_key("n1", 1));
}

TEST(ImportReader, WhatAnExportHasOnTop) {
  const std::string lines =
      R"({"id":1,"user_id":"a","type":"deposit","amount":1,"currency":"JPY","status":"settled","created_at":"x","settled_at":null,"failure":null}
{"id":2,"user_id":"a","type":"withdrawal","amount":1,"currency":"JPY","capture":"manual","hold_expires_at":"x"}
{"id":3,"user_id":"a","type":"void","amount":1,"currency":"JPY","parent_id":2}
)";
  EXPECT_EQ(read_all(lines, {.name = "n", .from_export = true}),
            (Found{"1 a 1", "2 validation_failed /capture", "3 validation_failed /type"}));
  EXPECT_EQ(read_all(lines, {.name = "n"}).front(), "1 validation_failed /id");
}

TEST(RejectJson, SaysWhatAndWhy) {
  EXPECT_EQ(reject_json(7, {"line_too_long", "is \"long\""}, "a\"b\r"),
            R"({"line":7,"code":"line_too_long","detail":"is \"long\"","text":"a\"b"})"
            "\n");
  EXPECT_EQ(reject_json(7, {"x", "y", {{"/amount", domain::FieldRule::required, "is required"}}, 5}, "\xC3\xBC\xFFz"),
            R"({"line":7,"code":"x","detail":"y","errors":[{"pointer":"/amount","code":"required","detail":)"
            R"("is required"}],"existing_id":5,"text":")"
            "\xC3\xBC\xEF\xBF\xBDz\"}\n");
}

}  // namespace
}  // namespace tps::files
