// The routes as clients see them, without sockets.
#include "http/api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <string>

#include "http/problem.hpp"
#include "http/test_service.hpp"

namespace tps::http {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

using Headers = std::vector<std::pair<std::string_view, std::string_view>>;

class ApiTest : public testing::Test {
 protected:
  Response ask(Method method, std::string_view target, std::string_view body = {}, Headers headers = {}) {
    return ask_of(api_, method, target, body, std::move(headers));
  }
  Response ask_of(Api& api, Method method, std::string_view target, std::string_view body = {}, Headers headers = {}) {
    Request request;
    request.method = method;
    request.method_text = method_name(method);
    request.target = target;
    request.path = target.substr(0, target.find('?'));
    request.query = target.substr(std::min(target.size(), request.path.size() + 1));
    request.headers = std::move(headers);
    request.body = body;
    request.request_id = "r1";
    request.received_at = std::chrono::steady_clock::now();
    context_.restart();
    auto response = boost::asio::co_spawn(context_, api.handle(request), boost::asio::use_future);
    const auto work = boost::asio::make_work_guard(context_);
    while (response.wait_for(std::chrono::seconds(0)) != std::future_status::ready) context_.run_one();
    return response.get();
  }
  Response post(std::string_view body, Headers headers = {}) {
    headers.emplace_back("Content-Type", "application/json");
    return ask(Method::post, "/transactions", body, std::move(headers));
  }
  Response batch(std::string_view target, std::string_view body, std::string_view type = "application/json",
                 Headers headers = {}) {
    headers.emplace_back("Content-Type", type);
    return ask(Method::post, target, body, std::move(headers));
  }
  static std::string header(const Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return "-";
  }

  boost::asio::io_context context_;  // outlives the lanes, which post to it
  TestService service_;
  std::optional<std::string> not_ready_;
  Readiness readiness_ = [this] {
    if (not_ready_ == "throw") throw std::runtime_error("no");
    return not_ready_;
  };
  Api api_{routes(), service_.services(readiness_, {.max_batch_items = 4, .max_atomic_items = 2})};
};

constexpr std::string_view kGood = R"({"user_id":"user_11","amount":12.75,"currency":"usd"})";

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
      {R"({"user_id":"a","amount":1,"currency":"USD","capture":"manual","type":"withdrawal"})", 422, "not_supported"},
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

TEST_F(ApiTest, PreferWaitIsAcknowledged) {
  const Response response = post(kGood, {{"Prefer", "wait=0"}});
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(header(response, "Preference-Applied"), "wait=0");
  EXPECT_EQ(header(post(kGood), "Preference-Applied"), "-");
}

TEST_F(ApiTest, StoreFaultsAreAnsweredHonestly) {
  const Response down = post(R"({"user_id":"fault:down","amount":1,"currency":"USD"})");
  EXPECT_EQ(down.status, 503);
  EXPECT_NE(header(down, "Retry-After"), "-");
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
  EXPECT_EQ(ask(Method::get, "/users/a%2Fb/balances").body,
            R"({"user_id":"a/b","balances":[)"
            R"({"currency":"JPY","posted":5,"held":0,"available":5,"pending":0,"version":1},)"
            R"({"currency":"USD","posted":12.75,"held":1.00,"available":11.75,"pending":-0.50,"version":3}]})");
  EXPECT_EQ(ask(Method::get, "/users/nobody/balances").body, R"({"user_id":"nobody","balances":[]})");
  for (const char* bad : {"/users/%/balances", "/users/%FF/balances", "/users/%00/balances", "/users/a/balances?x=1"}) {
    EXPECT_EQ(ask(Method::get, bad).status, 400) << bad;
  }
  EXPECT_EQ(ask(Method::get, "/users//balances").status, 404);
  EXPECT_EQ(ask(Method::get, "/users/a/b/balances").status, 404);
}

TEST_F(ApiTest, ReadinessSaysWhy) {
  EXPECT_EQ(ask(Method::get, "/readiness").body, R"({"status":"ready"})");
  not_ready_ = "draining";
  EXPECT_THAT(ask(Method::get, "/readiness").body, HasSubstr("\"code\":\"draining\""));
  not_ready_ = "the store cannot be reached";
  const Response response = ask(Method::get, "/readiness");
  EXPECT_EQ(response.status, 503);
  EXPECT_THAT(response.body, HasSubstr("\"detail\":\"the store cannot be reached\""));
  EXPECT_EQ(ask(Method::get, "/health").status, 200);
}

TEST_F(ApiTest, WhatThrowsIsA500) {
  not_ready_ = "throw";
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
  EXPECT_EQ(header(ask(Method::options, "*"), "Allow"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(ask(Method::head, "/health").status, 200);
  EXPECT_EQ(ask(Method::head, "/transactions/1").status, 404);
  EXPECT_EQ(ask(Method::get, "/health/").status, 404);
  EXPECT_EQ(ask(Method::get, "/").status, 404);
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
    EXPECT_GE(status_of(code), 400);
    const Response response = problem({code, {}}, Request{});
    EXPECT_EQ(response.status == 503, header(response, "Retry-After") != "-") << slug(code);
    EXPECT_THAT(response.body, Not(HasSubstr("\"detail\":\"\""))) << slug(code);
  }
}

}  // namespace
}  // namespace tps::http
