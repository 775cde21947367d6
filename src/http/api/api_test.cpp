// The routes as clients see them, without sockets.
#include "http/api/api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "http/api/answers.hpp"
#include "http/api/api_fixture_test.hpp"
#include "wire/problem.hpp"

namespace tps::http {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

std::string hold(const std::string& expires_in) {
  return R"({"user_id":"a","amount":1,"currency":"USD","type":"withdrawal","capture":"manual","hold_expires_in":)" +
         expires_in + "}";
}

TEST_F(ApiTest, CreatesAndReadsATransaction) {
  const Response created = post(kGood);
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(header(created, "Location"), "/transactions/1");
  EXPECT_THAT(created.body,
              MatchesRegex(R"(\{"id":1,"user_id":"user_11","type":"deposit","amount":12.75,"currency":"USD",)"
                           R"("status":"pending","created_at":"2[^"]+Z","settled_at":null,"failure":null\})"));
  const Response read = ask(Method::get, "/transactions/1");
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.body, created.body);
}

TEST_F(ApiTest, BadBodiesAreRefusedAndNothingIsStored) {
  struct Case {
    std::string body;
    int status;
    const char* says;
  };
  const Case cases[] = {
      {R"({"user_id":"a","amount":NaN,"currency":"USD"})", 400, R"("pointer":"/amount")"},
      {R"({"user_id":"a","amount":Infinity,"currency":"USD"})", 400, R"("pointer":"/amount")"},
      {R"({"user_id":"a","amount":-1,"currency":"USD"})", 422, R"("code":"not_positive")"},
      {R"({"user_id":"a","amount":0,"currency":"USD"})", 422, R"("code":"not_positive")"},
      {R"({"user_id":"a","amount":1e400,"currency":"USD"})", 422, R"("code":"too_large")"},
      {R"({"user_id":"a","amount":"12.7500","currency":"USD"})", 422, R"("code":"too_many_decimals")"},
      {R"({"user_id":"a","amount":12.755,"currency":"USD"})", 422, R"("code":"too_many_decimals")"},
      {R"({"user_id":"a","amount":0.1,"currency":"JPY"})", 422, R"("code":"too_many_decimals")"},
      {R"({"user_id":"a","amount":1000000000000000000000000000000,"currency":"USD"})", 422, R"("code":"too_large")"},
      {R"({"user_id":"a","amount":1,"currency":"XXQ"})", 422, R"("code":"unknown_currency")"},
      {R"({"user_id":"","amount":1,"currency":"USD"})", 422, R"("pointer":"/user_id")"},
      {R"({"user_id":")" + std::string(129, 'a') + R"(","amount":1,"currency":"USD"})", 422, R"("code":"too_long")"},
      {R"({"user_id":"a\u0000","amount":1,"currency":"USD"})", 422, R"("code":"invalid_characters")"},
      {R"({"user_id":"\ud800","amount":1,"currency":"USD"})", 400, R"("pointer":"/user_id")"},
      {R"({"user_id":"a","user_id":"b","amount":1,"currency":"USD"})", 422, R"("code":"duplicate_member")"},
      {R"({"user_id":"a","amount":1,"currency":"USD","x":1})", 422, R"("pointer":"/x","code":"unknown_member")"},
      {R"({"user_id":"a","amount":1,"currency":"USD","capture":"manual"})", 422, R"("pointer":"/capture")"},
      {hold("0"), 422, R"("pointer":"/hold_expires_in","code":"too_small")"},
      {hold("31536001"), 422, R"("pointer":"/hold_expires_in","code":"too_large")"},
      {hold("1.5"), 422, R"("pointer":"/hold_expires_in","code":"not_a_number")"},
      {hold("1e3"), 422, R"("pointer":"/hold_expires_in","code":"not_a_number")"},
      {hold("99999999999999999999"), 422, R"("pointer":"/hold_expires_in","code":"too_large")"},
      {hold("\"60\""), 422, R"("pointer":"/hold_expires_in","code":"wrong_type")"},
      {hold("060"), 400, R"("pointer":"/hold_expires_in")"},
      {R"({"user_id":"a","amount":1,"currency":"USD","type":"reversal"})", 422, R"("pointer":"/type")"},
      {"\xEF\xBB\xBF" + std::string(kGood), 400, "byte order mark"},
      {std::string(1'000'000, '['), 400, "malformed_json"},
      {std::string(kGood.substr(0, 30)), 400, "malformed_json"},
      {"", 400, "empty"},
      {"\xff\xfe", 400, "UTF-8"},
      {"{}", 422, R"("errors":[{"pointer":"/user_id","code":"required","detail":"is required"},{"pointer":"/amount")"},
  };
  for (const Case& c : cases) {
    const Response response = post(c.body);
    EXPECT_EQ(response.status, c.status) << c.body.substr(0, 100);
    EXPECT_EQ(response.content_type, "application/problem+json");
    EXPECT_THAT(response.body, HasSubstr(c.says)) << c.body.substr(0, 100);
  }
  for (const std::string_view type : {"text/plain", "application/x-ndjson", "application/x-www-form-urlencoded"}) {
    EXPECT_EQ(ask(Method::post, "/transactions", kGood, {{"Content-Type", type}}).status, 415) << type;
  }
  EXPECT_EQ(ask(Method::post, "/transactions", kGood).status, 415);
  EXPECT_EQ(service_.store.size(), 0U);
}

TEST_F(ApiTest, IdempotencyKeys) {
  const Response first = post(kGood, {{"Idempotency-Key", "k"}});
  EXPECT_EQ(header(first, "Idempotent-Replayed"), "-");
  const Response again = post(kGood, {{"Idempotency-Key", "\"k\""}});
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(header(again, "Idempotent-Replayed"), "true");
  EXPECT_EQ(header(again, "Location"), "/transactions/1");
  const Response other = post(R"({"user_id":"user_11","amount":1,"currency":"usd"})", {{"Idempotency-Key", "k"}});
  EXPECT_EQ(other.status, 422);
  EXPECT_THAT(other.body, HasSubstr("\"code\":\"idempotency_key_reused\""));
  const Response bad = post(kGood, {{"Idempotency-Key", "a b"}});
  EXPECT_EQ(bad.status, 400);
  EXPECT_THAT(bad.body, HasSubstr("\"code\":\"invalid_idempotency_key\""));
  EXPECT_EQ(service_.store.size(), 1U);
}

TEST_F(ApiTest, RepeatedReferencesNameTheFirst) {
  constexpr std::string_view body = R"({"user_id":"a","amount":1,"currency":"USD","reference":"r"})";
  EXPECT_EQ(post(body).status, 201);
  const Response again = post(body);
  EXPECT_EQ(again.status, 409);
  EXPECT_THAT(again.body, EndsWith("\"retryable\":false,\"existing_id\":1}"));
}

TEST_F(ApiTest, PreferWaitIsAcknowledgedOnlyWhenItWasHeeded) {
  const Response response = post(kGood, {{"Prefer", "wait=0"}});
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(header(response, "Preference-Applied"), "wait=0");
  EXPECT_EQ(header(post(kGood), "Preference-Applied"), "-");
  service_.waiters.drain();
  EXPECT_EQ(header(post(kGood, {{"Prefer", "wait=30"}}), "Preference-Applied"), "-");
}

// A request ends by its deadline, also one that waits: with 4 s for a request, at most 3 s are left to wait.
TEST_F(ApiTest, PreferWaitEndsBeforeTheRequestDoes) {
  Api api(routes(), service_.services(readiness_, {.request_timeout = std::chrono::seconds(4)}));
  const Headers headers{{"Content-Type", "application/json"}, {"Prefer", "wait=30"}};
  const Response response = ask_of(api, Method::post, "/transactions", kGood, headers);
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(header(response, "Preference-Applied"), "wait=3");
}

TEST_F(ApiTest, StoreFaultsAreAnsweredHonestly) {
  const Response down = post(R"({"user_id":"fault:down","amount":1,"currency":"USD"})");
  EXPECT_EQ(down.status, 503);
  EXPECT_NE(header(down, "Retry-After"), "-");
  const Response clock = post(R"({"user_id":"fault:clock","amount":1,"currency":"USD"})");
  EXPECT_EQ(clock.status, 503);
  EXPECT_NE(header(clock, "Retry-After"), "-");
  EXPECT_THAT(clock.body, AllOf(HasSubstr("\"code\":\"clock_wrong\""), HasSubstr("\"retryable\":true")));
  const Response unknown = post(R"({"user_id":"fault:unknown","amount":1,"currency":"USD"})");
  EXPECT_EQ(unknown.status, 504);
  EXPECT_THAT(unknown.body, AllOf(HasSubstr("\"code\":\"outcome_unknown\""), HasSubstr("\"retryable\":true")));
}

TEST_F(ApiTest, MissingTransactionsAreTheSameHoweverTheyAreMissing) {
  for (const char* id : {"1", "0", "-1", "abc", "1.0", "9007199254740993", "99999999999999999999", "%31"}) {
    const Response response = ask(Method::get, "/transactions/" + std::string(id));
    EXPECT_EQ(response.status, 404) << id;
    EXPECT_THAT(response.body, HasSubstr("\"detail\":\"Transaction not found\"")) << id;
  }
}

TEST_F(ApiTest, BatchItemsAnswerForThemselves) {
  const Response response = batch("/transactions/batch", R"({"transactions":[
      {"user_id":"a","amount":1,"currency":"USD"},{"user_id":"a","amount":-1,"currency":"USD"},7,
      {"user_id":"a","amount":2,"currency":"USD","idempotency_key":"a b"}]})");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, StartsWith(R"({"results":[{"status":201,"transaction":{"id":1,)"));
  EXPECT_THAT(response.body, HasSubstr(R"({"status":422,"problem":{"type":"urn:tps:error:validation_failed")"));
  EXPECT_THAT(response.body, HasSubstr(R"({"status":400,"problem":{"type":"urn:tps:error:invalid_idempotency_key")"));
  EXPECT_EQ(service_.store.size(), 1U);
}

TEST_F(ApiTest, BatchLinesAndKeysOfItems) {
  const std::string lines = std::string(kGood) + "\n{\"amount\":NaN}\n" + std::string(kGood) + "\n";
  const Headers key{{"Idempotency-Key", "k"}};
  const Response first = batch("/transactions/batch", lines, "application/x-ndjson", key);
  EXPECT_THAT(first.body, AllOf(HasSubstr("\"id\":1,"), HasSubstr("\"id\":2,"), HasSubstr("malformed_json")));
  const Response again = batch("/transactions/batch", lines, "application/x-ndjson", key);
  EXPECT_THAT(again.body, StartsWith(R"({"results":[{"status":201,"replayed":true,"transaction":{"id":1,)"));
  EXPECT_EQ(service_.store.size(), 2U);
}

TEST_F(ApiTest, AtomicBatchesAreAcceptedTogetherOrNotAtAll) {
  const std::string two = std::string(kGood) + "\n" + std::string(kGood);
  EXPECT_THAT(batch("/transactions/batch?atomic=true", std::string(kGood) + "\n{}", "application/x-ndjson").body,
              HasSubstr("\"code\":\"group_refused\""));
  EXPECT_EQ(service_.store.size(), 0U);
  EXPECT_EQ(batch("/transactions/batch?atomic=true", two, "application/x-ndjson").status, 200);
  EXPECT_EQ(service_.store.size(), 2U);
  EXPECT_EQ(batch("/transactions/batch?atomic=true", two + "\n" + two, "application/x-ndjson").status, 422);
  EXPECT_EQ(batch("/transactions/batch", two + "\n" + two, "application/x-ndjson").status, 200);
  EXPECT_EQ(batch("/transactions/batch", two + "\n" + two + "\n" + two, "application/x-ndjson").status, 422);
  EXPECT_EQ(batch("/transactions/batch?atomic=1", two, "application/x-ndjson").status, 400);
  EXPECT_EQ(batch("/transactions/batch", two, "text/csv").status, 415);
}

TEST_F(ApiTest, ListsAndPages) {
  for (int i = 0; i < 3; ++i) post(kGood);
  const Response first = ask(Method::get, "/transactions?limit=2");
  EXPECT_THAT(first.body, StartsWith(R"({"data":[{"id":3,)"));
  const std::size_t at = first.body.find(R"("next_cursor":")") + 15;
  const std::string cursor = first.body.substr(at, first.body.find('"', at) - at);
  const Response second = ask(Method::get, "/transactions?limit=2&cursor=" + cursor);
  EXPECT_THAT(second.body, AllOf(StartsWith(R"({"data":[{"id":1,)"), EndsWith("\"next_cursor\":null}")));
  const Response other = ask(Method::get, "/transactions?user_id=a&cursor=" + cursor);
  EXPECT_EQ(other.status, 400);
  EXPECT_THAT(other.body, HasSubstr("\"code\":\"invalid_cursor\""));
  EXPECT_EQ(ask(Method::get, "/transactions?user_id=zz").body, R"({"data":[],"next_cursor":null})");
}

TEST_F(ApiTest, Balances) {
  EXPECT_EQ(
      ask(Method::get, "/users/a%2Fb/balances").body,
      R"({"user_id":"a/b","balances":[)"
      R"({"currency":"JPY","posted":5,"held":0,"available":5,"version":1,"pending":0,"overdraft_limit":0,"frozen":false},)"
      R"({"currency":"USD","posted":12.75,"held":1.00,"available":11.75,"version":3,"pending":-0.50,)"
      R"("overdraft_limit":100.00,"frozen":true}]})");
  EXPECT_EQ(ask(Method::get, "/users/nobody/balances").body, R"({"user_id":"nobody","balances":[]})");
  EXPECT_EQ(ask(Method::get, "/users/a/balances?at=2026-01-02T03:04:05%2B01:00").body,
            R"({"user_id":"a","at":"2026-01-02T02:04:05.000000Z","balances":[)"
            R"({"currency":"USD","posted":10.00,"held":1.00,"available":9.00,"version":2}]})");
  for (const char* bad : {"/users/%/balances", "/users/%FF/balances", "/users/%00/balances", "/users/a/balances?x=1",
                          "/users/a/balances?at=now", "/users/a/balances?at="}) {
    EXPECT_EQ(ask(Method::get, bad).status, 400) << bad;
  }
  EXPECT_EQ(ask(Method::get, "/users//balances").status, 404);
  EXPECT_EQ(ask(Method::get, "/users/a/b/balances").status, 404);
}

TEST_F(ApiTest, TheFeedGoesOnForEver) {
  for (int i = 0; i < 3; ++i) post(kGood);
  const auto cursor_of = [](const Response& response) {
    const std::size_t at = response.body.find(R"("next_cursor":")") + 15;
    return response.body.substr(at, response.body.find('"', at) - at);
  };
  const Response first = ask(Method::get, "/transactions?order=asc&after=1&limit=1");
  EXPECT_THAT(first.body, StartsWith(R"({"data":[{"id":2,)"));
  const Response second = ask(Method::get, "/transactions?order=asc&cursor=" + cursor_of(first));
  EXPECT_THAT(second.body, StartsWith(R"({"data":[{"id":3,)"));
  const Response end = ask(Method::get, "/transactions?order=asc&cursor=" + cursor_of(second));
  EXPECT_THAT(end.body, StartsWith(R"({"data":[],"next_cursor":")"));
  EXPECT_EQ(cursor_of(end), cursor_of(second));
}

TEST_F(ApiTest, Statements) {
  const Response first = ask(Method::get, "/users/a%2Fb/statement?currency=usd&from=2026-01-01T00:00:00Z&limit=1");
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.content_type, "application/json");
  EXPECT_EQ(header(first, "Vary"), "Accept");
  EXPECT_THAT(first.body, StartsWith(R"({"user_id":"a/b","currency":"USD","from":"2026-01-01T00:00:00.000000Z",)"));
  EXPECT_THAT(first.body, HasSubstr(R"("opening_balance":0.00,"closing_balance":8.50,"data":[{"version":1,)"));

  // The link leads to the next page, and so on to the last.
  Response page = first;
  for (const char* version : {"2", "3"}) {
    const std::string link = header(page, "Link");
    ASSERT_THAT(link, AllOf(StartsWith("</users/a%2Fb/statement?currency=USD&from="), EndsWith(R"(>; rel="next")")));
    const std::string target = link.substr(1, link.find('>') - 1);
    page = ask(Method::get, target, {}, {{"Accept", "text/csv"}});
    EXPECT_EQ(page.content_type, "text/csv; charset=utf-8; header=present");
    EXPECT_THAT(page.body, HasSubstr("\r\n" + std::string(version) + ","));
    EXPECT_EQ(header(page, "Opening-Balance"), "0.00");
    EXPECT_EQ(header(page, "Closing-Balance"), "8.50");
  }
  EXPECT_EQ(header(page, "Link"), "-");
  EXPECT_THAT(header(ask(Method::get, "/users/a>b/statement?currency=USD"), "Link"),
              StartsWith("</users/a%3Eb/statement?"));

  const Response refused = ask(Method::get, "/users/a/statement?currency=USD", {}, {{"Accept", "text/html"}});
  EXPECT_EQ(refused.status, 406);
  EXPECT_THAT(refused.body, HasSubstr("\"code\":\"not_acceptable\""));
  EXPECT_EQ(ask(Method::get, "/users/a/statement").status, 400);
  EXPECT_EQ(ask(Method::get, "/users/%/statement?currency=USD").status, 400);
  EXPECT_EQ(ask(Method::get, "/users/a/statement?currency=USD&cursor=x").status, 400);
}

TEST_F(ApiTest, ReadinessSaysWhy) {
  EXPECT_EQ(ask(Method::get, "/readiness").body, R"({"status":"ready"})");
  not_ready_ = service::NotReady{.code = domain::ErrorCode::draining, .reason = "this instance is shutting down"};
  EXPECT_THAT(ask(Method::get, "/readiness").body, HasSubstr("\"code\":\"draining\""));
  not_ready_ = service::NotReady{.code = domain::ErrorCode::store_unavailable, .reason = "the database is unreachable"};
  const Response response = ask(Method::get, "/readiness");
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, HasSubstr("\"detail\":\"the database is unreachable\""));
  EXPECT_EQ(ask(Method::get, "/health").status, 200);
}

TEST_F(ApiTest, WhatThrowsIsA500) {
  readiness_throws_ = true;
  const Response response = ask(Method::get, "/readiness");
  EXPECT_EQ(response.status, 500);
  EXPECT_THAT(response.body, HasSubstr("\"code\":\"internal_error\""));
}

TEST_F(ApiTest, MethodsAndAddresses) {
  const Response deleted = ask(Method::delete_, "/transactions");
  EXPECT_EQ(deleted.status, 405);
  EXPECT_EQ(header(deleted, "Allow"), "POST, GET, HEAD, OPTIONS");
  EXPECT_EQ(header(ask(Method::get, "/transactions/batch"), "Allow"), "POST, OPTIONS");
  EXPECT_EQ(header(ask(Method::post, "/transactions/1"), "Allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(ask(Method::options, "/health").status, 204);
  EXPECT_EQ(header(ask(Method::options, "/health"), "Allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(header(ask(Method::options, "*"), "Allow"), "GET, HEAD, POST, PUT, OPTIONS");
  EXPECT_EQ(ask(Method::head, "/health").status, 200);
  EXPECT_EQ(ask(Method::head, "/transactions/1").status, 404);
  EXPECT_EQ(ask(Method::get, "/health/").status, 404);
  EXPECT_EQ(ask(Method::get, "/").status, 404);
}

TEST_F(ApiTest, NamesTheRouteThatDoesNotExist) {
  EXPECT_THAT(ask(Method::get, "/stats").body, HasSubstr(R"("detail":"No such route: GET /stats")"));
  EXPECT_THAT(ask(Method::post, "/transactions/").body,
              HasSubstr(R"("detail":"No such route: POST /transactions/; did you mean /transactions?")"));
  EXPECT_THAT(ask(Method::get, "/transactions/1?x=1").body,
              HasSubstr("x: unknown query parameter; this route has none"));
  EXPECT_THAT(ask(Method::get, "/transactions?x=1").body, HasSubstr("x: unknown query parameter; allowed: user_id, "));
}

TEST_F(ApiTest, AWorkerAnswersOperatorsOnly) {
  Api worker{worker_routes(),
             {.options = {}, .currencies = service_.currencies, .metrics = service_.metrics, .readiness = readiness_}};
  const auto status = [&](Method method, std::string_view path) { return ask_of(worker, method, path).status; };
  for (const char* path : {"/health", "/readiness", "/metrics"}) EXPECT_EQ(status(Method::get, path), 200) << path;
  EXPECT_EQ(status(Method::head, "/health"), 200);
  EXPECT_EQ(status(Method::post, "/health"), 405);
  EXPECT_EQ(header(ask_of(worker, Method::options, "*"), "Allow"), "GET, HEAD, OPTIONS");
  for (const char* path : {"/transactions", "/transactions/1", "/docs", "/openapi.json", "/"}) {
    EXPECT_EQ(status(Method::get, path), 404) << path;
  }
}

TEST(Routes, ParametersAreWholeSegments) {
  struct Case {
    const char* path_template;
    const char* path;
    const char* parameters;  // with a space in between, or nullptr
  };
  const Case cases[] = {
      {"/transactions", "/transactions", " "},
      {"/transactions", "/transactions/", nullptr},
      {"/transactions", "/transaction", nullptr},
      {"/transactions", "", nullptr},
      {"/transactions/{id}", "/transactions/7", "7 "},
      {"/transactions/{id}", "/transactions/", nullptr},
      {"/transactions/{id}", "/transactions", nullptr},
      {"/transactions/{id}", "/transactions/7/", nullptr},
      {"/transactions/{id}", "/transactions/7/capture", nullptr},
      {"/transactions/{id}/capture", "/transactions/7/capture", "7 "},
      {"/transactions/{id}/capture", "/transactions/7/captures", nullptr},
      {"/transactions/{id}/capture", "/transactions/7/void", nullptr},
      {"/transactions/{id}/capture", "/transactions//capture", nullptr},
      {"/transactions/{id}/capture", "/transactions/capture", nullptr},
      {"/users/{id}/accounts/{currency}", "/users/a%2Fb/accounts/USD", "a%2Fb USD"},
      {"/users/{id}/accounts/{currency}", "/users/a/accounts/", nullptr},
      {"/users/{id}/accounts/{currency}", "/users//accounts/USD", nullptr},
      {"/users/{id}/accounts/{currency}", "/users/a/accounts/USD/x", nullptr},
      {"/users/{id}/accounts/{currency}", "/users/a/b/accounts/USD", nullptr},
  };
  for (const Case& c : cases) {
    const auto parameters = match(c.path_template, c.path);
    ASSERT_EQ(parameters.has_value(), c.parameters != nullptr) << c.path_template << " " << c.path;
    if (!parameters) continue;
    EXPECT_EQ(std::string((*parameters)[0]) + " " + std::string((*parameters)[1]), c.parameters) << c.path;
  }
}

TEST_F(ApiTest, SeriesDoNotGrowWithWhatClientsSend) {
  const auto series = [&] {
    ask(Method::get, "/metrics");
    const std::string text = ask(Method::get, "/metrics").body;
    return std::count(text.begin(), text.end(), '\n');
  };
  ask(Method::get, "/transactions/1");
  ask(Method::get, "/nowhere");
  ask(Method::other, "/transactions/1");
  const auto before = series();
  for (int i = 2; i < 200; ++i) {
    ask(Method::get, "/transactions/" + std::to_string(i));
    ask(Method::get, "/nowhere/" + std::to_string(i));
    ask(Method::other, "/transactions/" + std::to_string(i));
  }
  EXPECT_EQ(series(), before);
  EXPECT_THAT(ask(Method::get, "/metrics").body,
              HasSubstr(R"(http_requests_total{endpoint="/transactions/{id}",http_status="404",method="GET"} 199)"));
}

TEST_F(ApiTest, EveryErrorCodeHasAStatus) {
  for (int i = 0; i <= static_cast<int>(domain::ErrorCode::internal_error); ++i) {
    const auto code = static_cast<domain::ErrorCode>(i);
    EXPECT_GE(wire::status_of(code), 400);
    const Response response = problem({code, {}}, Request{});
    const bool later =
        response.body.contains("\"retryable\":true") && (response.status == 503 || response.status == 429);
    EXPECT_EQ(later, header(response, "Retry-After") != "-") << slug(code);
    EXPECT_THAT(response.body, Not(HasSubstr("\"detail\":\"\""))) << slug(code);
  }
}

}  // namespace
}  // namespace tps::http
