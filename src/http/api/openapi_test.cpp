// The document that we serve and the program that serves it say the same.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <set>
#include <string>

#include "http/api/handlers.hpp"
#include "http/api/pages.hpp"
#include "http/api/routes.hpp"
#include "wire/json_reader.hpp"
#include "wire/json_writer.hpp"
#include "wire/problem.hpp"

namespace tps::http {
namespace {

using simdjson::dom::element;
using Names = std::vector<std::string>;

element document() {
  static simdjson::dom::parser parser;
  static const element root = [] {
    const auto page = std::ranges::find(pages(), "/openapi.json", &Page::path);
    return parser.parse(*page->body).value();
  }();
  return root;
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return out;
}

Names enum_of(const std::string& schema) {
  Names names;
  for (const element name : document().at_pointer("/components/schemas/" + schema + "/enum").get_array()) {
    names.emplace_back(name.get_string().value());
  }
  return names;
}

template <class Enum>
Names slugs_up_to(Enum last) {
  Names names;
  for (int i = 0; i <= static_cast<int>(last); ++i) names.emplace_back(slug(static_cast<Enum>(i)));
  return names;
}

std::int64_t limit(const std::string& pointer) { return document().at_pointer(pointer).get_int64().value(); }

TEST(Openapi, HasTheOperationsOfTheRouteTable) {
  std::set<std::string> described;
  for (const auto path : document()["paths"].get_object()) {
    for (const auto operation : path.value.get_object()) {
      described.insert(upper(operation.key) + " " + std::string(path.key));
    }
  }
  std::set<std::string> routed;
  for (const Route& route : routes()) {
    if (route.path_template.starts_with("/docs/assets/")) continue;  // parts of a page
    routed.insert(std::string(method_name(route.method)) + " " + std::string(route.path_template));
  }
  EXPECT_EQ(described, routed);
}

TEST(Openapi, ListsTheCodesInTheirOrder) {
  EXPECT_EQ(enum_of("ErrorCode"), slugs_up_to(domain::ErrorCode::internal_error));
  EXPECT_EQ(enum_of("FieldRule"), slugs_up_to(domain::FieldRule::too_many));
  EXPECT_EQ(enum_of("Type"), slugs_up_to(domain::Type::account_update));
  EXPECT_EQ(enum_of("Status"), slugs_up_to(domain::Status::expired));
  EXPECT_EQ(enum_of("Failure"), slugs_up_to(domain::Failure::balance_overflow));
  EXPECT_EQ(enum_of("Capture"), slugs_up_to(domain::Capture::manual));
}

TEST(Openapi, GivesEveryCodeItsStatus) {
  const Names codes = enum_of("ErrorCode");
  for (const auto response : document().at_pointer("/components/responses").get_object()) {
    element narrowed;
    if (response.value.at_pointer("/content/application~1problem+json/schema/allOf/1/properties").get(narrowed) !=
        simdjson::SUCCESS) {
      continue;
    }
    const auto status = narrowed.at_pointer("/status/const").get_int64().value();
    for (const element code : narrowed.at_pointer("/code/enum").get_array()) {
      const auto index = std::ranges::find(codes, code.get_string().value()) - codes.begin();
      EXPECT_EQ(status, wire::status_of(static_cast<domain::ErrorCode>(index))) << response.key << " " << code;
    }
  }
}

TEST(Openapi, StatesTheVersionAndTheLimits) {
  EXPECT_EQ(document().at_pointer("/info/version").get_string().value(), TPS_VERSION);
  const std::string schemas = "/components/schemas/";
  EXPECT_EQ(limit(schemas + "UserId/maxLength"), domain::kMaxUserIdBytes);
  EXPECT_EQ(limit(schemas + "Reference/maxLength"), domain::kMaxReferenceBytes);
  EXPECT_EQ(limit(schemas + "Description/maxLength"), domain::kMaxDescriptionBytes);
  EXPECT_EQ(limit(schemas + "Metadata/maxProperties"), domain::kMaxMetadataPairs);
  EXPECT_EQ(limit(schemas + "Metadata/propertyNames/maxLength"), domain::kMaxMetadataKeyBytes);
  EXPECT_EQ(limit(schemas + "Metadata/additionalProperties/maxLength"), domain::kMaxMetadataValueBytes);
  EXPECT_EQ(limit(schemas + "NewBatch/properties/transactions/maxItems"), ApiOptions{}.max_batch_items);
}

TEST(Openapi, ExamplesOfRequestsAreAccepted) {
  const domain::Currencies currencies;
  const auto content = document().at_pointer("/paths/~1transactions/post/requestBody/content/application~1json");
  std::size_t count = 0;
  for (const auto example : content["examples"].get_object()) {
    const std::string body = simdjson::minify(example.value["value"]);
    const auto decoded = wire::decode_transaction(body);
    ASSERT_TRUE(decoded) << body;
    EXPECT_TRUE(domain::validate(decoded->draft, currencies, decoded->errors)) << body;
    ++count;
  }
  EXPECT_GT(count, 0U);
}

TEST(Openapi, ExamplesOfTransactionsAreWhatTheServerWrites) {
  domain::Transaction transaction;
  transaction.id = 1;
  transaction.user_id = "user_11";
  transaction.amount_minor = 1275;
  transaction.currency = "USD";
  transaction.created_at = domain::Timestamp(std::chrono::seconds(1'769'860'800));
  const auto expect_example = [&](const std::string& name) {
    std::string written;
    wire::append_transaction(written, transaction, domain::Currencies{});
    EXPECT_EQ(simdjson::minify(document().at_pointer("/components/examples/" + name + "/value")), written);
  };
  expect_example("PendingDeposit");

  transaction.status = domain::Status::settled;
  transaction.settled_at = transaction.created_at + std::chrono::microseconds(4211);
  expect_example("SettledDeposit");
}

}  // namespace
}  // namespace tps::http
