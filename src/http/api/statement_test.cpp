// The parameters, the form and the two encodings of a statement.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "http/api/cursor.hpp"
#include "http/api/statement_query.hpp"
#include "http/headers/accept.hpp"
#include "ports/store.hpp"
#include "wire/statement_writer.hpp"

namespace tps::http {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Accept, ChoosesTheBestForm) {
  constexpr std::array<std::string_view, 2> kForms{"application/json", "text/csv"};
  struct Case {
    std::vector<std::pair<std::string_view, std::string_view>> headers;
    const char* chosen;  // nullptr: none will do
  };
  const Case cases[] = {
      {{{"Accept", "text/html"}}, nullptr},
      {{{"Accept", "application/json;q=0"}}, nullptr},
      {{{"Accept", "text/csv;q=high"}}, nullptr},
      {{{"Accept", "text/csv;q=2"}}, nullptr},
      {{{"Accept", "text/csv;q=1.001"}}, nullptr},
      {{{"Accept", "*/*;q=0"}}, nullptr},
      {{{"Accept", "/"}}, nullptr},
      {{{"Accept", "json"}}, nullptr},
      {{}, "application/json"},
      {{{"Accept", ""}}, "application/json"},
      {{{"Accept", "*/*"}}, "application/json"},
      {{{"Accept", "application/*"}}, "application/json"},
      {{{"Accept", "text/*"}}, "text/csv"},
      {{{"accept", "TEXT/CSV"}}, "text/csv"},
      {{{"Accept", "text/csv; header=present"}}, "text/csv"},
      {{{"Accept", "text/html, text/csv;q=0.1"}}, "text/csv"},
      {{{"Accept", "text/csv, application/json"}}, "application/json"},
      {{{"Accept", "application/json;q=0.5, text/csv"}}, "text/csv"},
      {{{"Accept", "application/json;q=0.5, */*;q=0.4"}}, "application/json"},
      {{{"Accept", "*/*, application/json;q=0"}}, "text/csv"},
      {{{"Accept", "application/json ; q=0.001"}, {"Accept", "text/csv;q=0.002"}}, "text/csv"},
  };
  for (const Case& c : cases) {
    Request request;
    request.headers = c.headers;
    const auto chosen = choose_media_type(request, kForms);
    const std::string_view accept = c.headers.empty() ? "" : c.headers.front().second;
    EXPECT_EQ(chosen.value_or("none"), c.chosen == nullptr ? std::string_view("none") : c.chosen) << accept;
  }
}

std::string refusals(std::string_view text) {
  const domain::Currencies currencies;
  const auto query = parse_statement_query(text, "u", currencies);
  if (query) return "";
  std::string out(slug(query.error().code));
  for (const domain::FieldError& field : query.error().fields) {
    out += " " + field.pointer + ":" + std::string(slug(field.rule));
  }
  return out;
}

TEST(StatementQuery, NamesEveryBadParameter) {
  struct Case {
    const char* query;
    const char* refusals;
  };
  const Case cases[] = {
      {"", "invalid_parameter currency:required"},
      {"currency=XXQ", "invalid_parameter currency:unknown_currency"},
      {"currency=", "invalid_parameter currency:unknown_currency"},
      {"currency=USD&x=1", "invalid_parameter x:unknown_member"},
      {"currency=USD&currency=EUR", "invalid_parameter currency:duplicate_member"},
      {"currency=USD&from=yesterday&to=2026-01-01&limit=0",
       "invalid_parameter from:unknown_value to:unknown_value limit:too_small"},
      {"currency=USD&limit=1001", "invalid_parameter limit:too_large"},
      {"currency=USD&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "invalid_parameter to:too_small"},
      {"currency=USD&cursor=x", "invalid_cursor"},
      {"currency=USD&from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", ""},
      {"currency=usd", ""},
  };
  for (const Case& c : cases) EXPECT_EQ(refusals(c.query), c.refusals) << c.query;
}

TEST(StatementQuery, TheNextPageHasTheSameFilters) {
  const domain::Currencies currencies;
  const auto query = parse_statement_query(
      "currency=usd&from=2026-01-01T00:00:00.5Z&to=2026-02-01T00:00:00%2B01:00&limit=2", "u", currencies);
  ASSERT_TRUE(query.has_value());
  EXPECT_EQ(query->after, std::nullopt);
  const auto next = parse_statement_query(next_page_query(*query, make_cursor(2, *query)), "u", currencies);
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->after, 2);
  EXPECT_EQ(next->currency, "USD");
  EXPECT_EQ(next->from, query->from);
  EXPECT_EQ(next->to, query->to);
  EXPECT_EQ(next->limit, 2U);
}

ports::StatementEntry entry(std::int64_t version, std::int64_t change, std::int64_t after) {
  ports::StatementEntry entry;
  entry.version = version;
  entry.transaction.id = version * 10;
  entry.transaction.user_id = "u";
  entry.transaction.currency = "USD";
  entry.change_minor = change;
  entry.posted_after = after;
  entry.settled_at = domain::Timestamp(std::chrono::seconds(1'769'860'800));
  return entry;
}

std::string csv_of(ports::StatementEntry entry) {
  std::string out;
  wire::append_statement_csv(out, {0, 0, {std::move(entry)}, {}}, domain::Currencies{});
  return out.substr(out.find("\r\n") + 2);
}

TEST(StatementCsv, HasANameForEveryField) {
  std::string empty;
  wire::append_statement_csv(empty, {}, domain::Currencies{});
  EXPECT_EQ(empty,
            "version,transaction_id,type,amount,balance,currency,created_at,settled_at,capture,counterparty,parent_id,"
            "reference,description\r\n");
  EXPECT_EQ(csv_of(entry(1, -1275, -5)),
            "1,10,deposit,-12.75,-0.05,USD,1970-01-01T00:00:00.000000Z,2026-01-31T12:00:00.000000Z,,,,,\r\n");
}

TEST(StatementCsv, TextsAreQuotedAndAreNeverFormulas) {
  struct Case {
    const char* text;
    const char* field;
  };
  const Case cases[] = {
      {"=1+1", "'=1+1"},
      {"+1", "'+1"},
      {"-1", "'-1"},
      {"@SUM(A1)", "'@SUM(A1)"},
      {"\tx", "'\tx"},
      {R"(="a",b)", R"("'=""a"",b")"},
      {"a,b", R"("a,b")"},
      {R"(a "b")", R"("a ""b""")"},
      {"a\nb", "\"a\nb\""},
      {"a=b", "a=b"},
      {"\xC3\xBC 'x'", "\xC3\xBC 'x'"},
  };
  for (const Case& c : cases) {
    ports::StatementEntry one = entry(1, 0, 0);
    one.transaction.description = c.text;
    EXPECT_THAT(csv_of(one), EndsWith(",," + std::string(c.field) + "\r\n")) << c.text;
    one.transaction.description.reset();
    one.transaction.to_user_id = c.text;
    EXPECT_THAT(csv_of(one), EndsWith(",," + std::string(c.field) + ",,,\r\n")) << c.text;
  }
}

TEST(StatementJson, ShowsTheOtherUserAndTheSignedChange) {
  ports::StatementEntry out = entry(1, -100, 900);
  out.transaction.type = domain::Type::transfer;
  out.transaction.to_user_id = "v";
  ports::StatementEntry in = entry(2, 250, 1150);
  in.transaction.type = domain::Type::reversal;
  in.transaction.user_id = "w";
  in.transaction.to_user_id = "u";
  in.transaction.parent_id = 3;
  in.incoming = true;
  ports::StatementEntry hold = entry(3, 0, 1150);
  hold.transaction.type = domain::Type::withdrawal;
  hold.transaction.capture = domain::Capture::manual;
  ports::StatementQuery query{.user_id = "u", .currency = "USD", .from = domain::Timestamp{}};
  std::string json;
  wire::append_statement_json(json, {1000, 1150, {out, in, hold}, 3}, query, make_cursor(3, query),
                              domain::Currencies{});
  EXPECT_THAT(json, StartsWith(R"({"user_id":"u","currency":"USD","from":"1970-01-01T00:00:00.000000Z","to":null,)"
                               R"("opening_balance":10.00,"closing_balance":11.50,"data":[{"version":1,)"));
  EXPECT_THAT(json, HasSubstr(R"("type":"transfer","amount":-1.00,"balance":9.00,)"));
  EXPECT_THAT(json, HasSubstr(R"("counterparty":"v"},{"version":2,)"));
  EXPECT_THAT(json, HasSubstr(R"("amount":2.50,"balance":11.50,)"));
  EXPECT_THAT(json, HasSubstr(R"("counterparty":"w","parent_id":3},{"version":3,)"));
  EXPECT_THAT(json, HasSubstr(R"("type":"withdrawal","amount":0.00,)"));
  EXPECT_THAT(json, EndsWith(R"("capture":"manual"}],"next_cursor":")" + make_cursor(3, query) + "\"}"));

  json.clear();
  wire::append_statement_json(json, {}, query, std::nullopt, domain::Currencies{});
  EXPECT_THAT(json, EndsWith(R"("data":[],"next_cursor":null})"));
  EXPECT_THAT(json, Not(HasSubstr("counterparty")));
}

}  // namespace
}  // namespace tps::http
