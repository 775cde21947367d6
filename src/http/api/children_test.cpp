// Changes of existing transactions and accounts: captures, voids, reversals and account updates.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "http/api/api_fixture_test.hpp"

namespace tps::http {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kType = "application/json";

class ChildrenTest : public ApiTest {
 protected:
  // 1: a withdrawal of 10.00 on hold; 2: a transfer of 5.00.
  void SetUp() override {
    post(R"({"user_id":"a","amount":10,"currency":"USD","type":"withdrawal","capture":"manual","hold_expires_in":60})");
    post(R"({"user_id":"a","amount":5,"currency":"USD","type":"transfer","to_user_id":"b","reference":"r"})");
    ASSERT_EQ(service_.store.size(), 2U);
  }
  Response child(const std::string& what, std::string_view body = {}, Headers headers = {}) {
    if (!body.empty()) headers.emplace_back("Content-Type", kType);
    return ask(Method::post, "/transactions/" + what, body, std::move(headers));
  }
  Response put(std::string_view target, std::string_view body, Headers headers = {}) {
    headers.emplace_back("Content-Type", kType);
    return ask(Method::put, target, body, std::move(headers));
  }
};

TEST_F(ChildrenTest, AHoldSaysWhenItExpires) {
  EXPECT_THAT(ask(Method::get, "/transactions/1").body,
              MatchesRegex(R"(.*"capture":"manual","hold_expires_at":"2[^"]+Z"\})"));
}

TEST_F(ChildrenTest, BadRequestsAddNothing) {
  struct Case {
    const char* what;
    std::string body;
    int status;
    const char* says;
  };
  const Case cases[] = {
      {"1/capture?x=1", "", 400, R"("pointer":"x")"},
      {"1/capture", "{", 400, "malformed_json"},
      {"1/capture", "{}x", 400, "malformed_json"},
      {"1/capture", " ", 400, "empty"},
      {"1/capture", R"({"amount":NaN})", 400, R"("pointer":"/amount")"},
      {"9/capture", "{}", 404, R"("detail":"Transaction not found")"},
      {"0/void", "", 404, R"("detail":"Transaction not found")"},
      {"x/reverse", "", 404, R"("detail":"Transaction not found")"},
      {"1/refund", "", 404, "not_found"},
      {"1/capture", "[]", 422, "wrong_type"},
      {"1/capture", "null", 422, "wrong_type"},
      {"1/capture", R"({"amount":0})", 422, R"("pointer":"/amount","code":"not_positive")"},
      {"1/capture", R"({"amount":1.005})", 422, R"("pointer":"/amount","code":"too_many_decimals")"},
      {"1/capture", R"({"amount":true})", 422, R"("pointer":"/amount","code":"wrong_type")"},
      {"1/capture", R"({"user_id":"a"})", 422, R"("pointer":"/user_id","code":"not_allowed")"},
      {"1/capture", R"({"currency":"USD"})", 422, R"("pointer":"/currency","code":"not_allowed")"},
      {"1/capture", R"({"type":"capture"})", 422, R"("pointer":"/type","code":"not_allowed")"},
      {"1/capture", R"({"capture":"manual"})", 422, R"("pointer":"/capture","code":"not_allowed")"},
      {"1/capture", R"({"hold_expires_in":5})", 422, R"("pointer":"/hold_expires_in","code":"not_allowed")"},
      {"1/capture", R"({"parent_id":1})", 422, R"("pointer":"/parent_id","code":"read_only")"},
      {"1/capture", R"({"x":1})", 422, R"("pointer":"/x","code":"unknown_member")"},
      {"1/capture", R"({"reference":""})", 422, R"("pointer":"/reference","code":"too_short")"},
      {"1/void", R"({"amount":10})", 422, R"("pointer":"/amount","code":"not_allowed")"},
      {"2/capture", "", 422, R"("code":"invalid_parent")"},
      {"2/void", "{}", 422, R"("code":"invalid_parent")"},
      {"1/reverse", "", 422, R"("code":"invalid_parent")"},
      {"2/reverse", R"({"reference":"r"})", 409, R"("existing_id":2)"},
  };
  for (const Case& c : cases) {
    const Response response = child(c.what, c.body);
    EXPECT_EQ(response.status, c.status) << c.what << " " << c.body;
    EXPECT_EQ(response.content_type, "application/problem+json");
    EXPECT_THAT(response.body, HasSubstr(c.says)) << c.what << " " << c.body;
  }
  EXPECT_EQ(ask(Method::post, "/transactions/1/capture", "{}").status, 415);
  EXPECT_EQ(ask(Method::post, "/transactions/1/capture", "{}", {{"Content-Type", "text/plain"}}).status, 415);
  EXPECT_EQ(child("1/capture", {}, {{"Idempotency-Key", "a b"}}).status, 400);
  EXPECT_EQ(header(ask(Method::get, "/transactions/1/capture"), "Allow"), "POST, OPTIONS");
  EXPECT_EQ(service_.store.size(), 2U);
}

TEST_F(ChildrenTest, TakeWhatIsLeftOutFromTheirParent) {
  const Response all = child("1/capture");
  EXPECT_EQ(all.status, 201);
  EXPECT_EQ(header(all, "Location"), "/transactions/3");
  EXPECT_THAT(all.body, StartsWith(R"({"id":3,"user_id":"a","type":"capture","amount":10.00,"currency":"USD",)"));
  EXPECT_THAT(all.body, EndsWith(R"("failure":null,"parent_id":1})"));
  EXPECT_THAT(child("1/capture", R"({"amount":"2.50","description":"part"})").body,
              AllOf(HasSubstr(R"("amount":2.50)"), EndsWith(R"("parent_id":1,"description":"part"})")));
  EXPECT_THAT(child("1/void", "{}").body, HasSubstr(R"("type":"void","amount":10.00)"));
  EXPECT_THAT(child("2/reverse", R"({"amount":1,"metadata":{"a":"b"}})").body,
              AllOf(HasSubstr(R"("type":"reversal","amount":1.00)"), HasSubstr(R"("to_user_id":"b","parent_id":2)"),
                    EndsWith(R"("metadata":{"a":"b"}})")));
  // A capture can be reversed as well.
  EXPECT_THAT(child("3/reverse").body, HasSubstr(R"("parent_id":3)"));
}

TEST_F(ChildrenTest, KeysMakeThemOnce) {
  const Headers key{{"Idempotency-Key", "k"}};
  const Response first = child("1/capture", {}, key);
  EXPECT_EQ(header(first, "Idempotent-Replayed"), "-");
  for (const char* same : {"", "{}", R"({"amount":10})", R"({"amount":"10.00","reference":null})"}) {
    const Response again = child("1/capture", same, key);
    EXPECT_EQ(again.status, 201) << same;
    EXPECT_EQ(again.body, first.body) << same;
    EXPECT_EQ(header(again, "Idempotent-Replayed"), "true") << same;
  }
  EXPECT_THAT(child("1/capture", R"({"amount":9})", key).body, HasSubstr("idempotency_key_reused"));
  EXPECT_THAT(child("1/void", {}, key).body, HasSubstr("idempotency_key_reused"));
  EXPECT_THAT(child("2/reverse", {}, key).body, HasSubstr("idempotency_key_reused"));
  EXPECT_EQ(service_.store.size(), 3U);
}

TEST_F(ChildrenTest, PreferWaitIsForThemToo) {
  service_.store.settles = true;
  const Response response = child("1/capture", {}, {{"Prefer", "wait=30"}});
  EXPECT_THAT(response.body, HasSubstr(R"("status":"settled")"));
  EXPECT_EQ(header(response, "Preference-Applied"), "wait=9");  // of a request that has 10 s
}

TEST_F(ChildrenTest, ABatchTakesHoldsButNoChildren) {
  const Response response = batch("/transactions/batch", R"({"transactions":[
      {"user_id":"a","amount":1,"currency":"USD","type":"withdrawal","capture":"manual"},
      {"user_id":"a","amount":1,"currency":"USD","type":"capture"},
      {"user_id":"a","amount":1,"currency":"USD","type":"withdrawal","parent_id":1}]})");
  EXPECT_THAT(response.body, HasSubstr(R"("capture":"manual")"));
  EXPECT_THAT(response.body, HasSubstr(R"("pointer":"/type","code":"unknown_value")"));
  EXPECT_THAT(response.body, HasSubstr(R"("pointer":"/parent_id","code":"read_only")"));
  EXPECT_EQ(service_.store.size(), 3U);
}

TEST_F(ChildrenTest, BadAccountUpdatesAddNothing) {
  struct Case {
    const char* target;
    const char* body;
    int status;
    const char* says;
  };
  constexpr const char* kTarget = "/users/a/accounts/USD";
  constexpr const char* kBody = R"({"frozen":true})";
  const Case cases[] = {
      {"/users/%FF/accounts/USD", kBody, 400, R"("pointer":"id")"},
      {"/users/a/accounts/USD?x=1", kBody, 400, R"("pointer":"x")"},
      {"/users/a/accounts/XXQ", kBody, 404, R"("detail":"Currency not found")"},
      {"/users/a/accounts/%FF", kBody, 404, R"("detail":"Currency not found")"},
      {kTarget, "", 400, "malformed_json"},
      {kTarget, "{", 400, "malformed_json"},
      {kTarget, R"({"frozen":tru})", 400, "malformed_json"},
      {kTarget, R"({"frozen":true}{})", 400, "malformed_json"},
      {kTarget, R"({"overdraft_limit":01})", 400, R"("pointer":"/overdraft_limit")"},
      {kTarget, "[]", 422, "wrong_type"},
      {kTarget, "{}", 422, "overdraft_limit, frozen or both"},
      {kTarget, R"({"frozen":null})", 422, "overdraft_limit, frozen or both"},
      {kTarget, R"({"frozen":"true"})", 422, R"("pointer":"/frozen","code":"wrong_type")"},
      {kTarget, R"({"frozen":1})", 422, R"("pointer":"/frozen","code":"wrong_type")"},
      {kTarget, R"({"overdraft_limit":true})", 422, R"("pointer":"/overdraft_limit","code":"wrong_type")"},
      {kTarget, R"({"overdraft_limit":-1})", 422, R"("pointer":"/overdraft_limit","code":"too_small")"},
      {kTarget, R"({"overdraft_limit":0.001})", 422, R"("pointer":"/overdraft_limit","code":"too_many_decimals")"},
      {kTarget, R"({"overdraft_limit":1e30})", 422, R"("pointer":"/overdraft_limit","code":"too_large")"},
      {kTarget, R"({"overdraft_limit":"ten"})", 422, R"("pointer":"/overdraft_limit","code":"not_a_number")"},
      {kTarget, R"({"frozen":true,"frozen":false})", 422, R"("pointer":"/frozen","code":"duplicate_member")"},
      {kTarget, R"({"frozen":true,"posted":5})", 422, R"("pointer":"/posted","code":"unknown_member")"},
  };
  for (const Case& c : cases) {
    const Response response = put(c.target, c.body);
    EXPECT_EQ(response.status, c.status) << c.target << " " << c.body;
    EXPECT_THAT(response.body, HasSubstr(c.says)) << c.target << " " << c.body;
  }
  EXPECT_EQ(ask(Method::put, kTarget, kBody).status, 415);
  EXPECT_EQ(put(kTarget, kBody, {{"Idempotency-Key", ""}}).status, 400);
  EXPECT_EQ(header(ask(Method::get, kTarget), "Allow"), "PUT, OPTIONS");
  EXPECT_EQ(service_.store.size(), 2U);
}

TEST_F(ChildrenTest, AnAccountUpdateAnswersWithTheAccount) {
  service_.store.settles = true;
  const Headers key{{"Idempotency-Key", "k"}};
  const Response first = put("/users/a%2Fb/accounts/usd", R"({"overdraft_limit":100,"frozen":true})", key);
  EXPECT_EQ(first.status, 200);
  EXPECT_THAT(first.body, StartsWith(R"({"user_id":"a/b","currency":"USD","posted":12.75,)"));
  EXPECT_THAT(first.body, HasSubstr(R"("overdraft_limit":100.00,"frozen":true,"update":{"id":3,"user_id":"a/b",)"
                                    R"("type":"account_update","amount":0.00,"currency":"USD","status":"settled",)"));
  EXPECT_THAT(first.body, EndsWith(R"("failure":null,"overdraft_limit":100.00,"frozen":true}})"));
  EXPECT_EQ(header(first, "Location"), "/transactions/3");

  const Response again = put("/users/a%2Fb/accounts/USD", R"({"frozen":true,"overdraft_limit":"100.00"})", key);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(header(again, "Idempotent-Replayed"), "true");
  EXPECT_THAT(put("/users/a%2Fb/accounts/USD", R"({"frozen":true})", key).body, HasSubstr("idempotency_key_reused"));
  EXPECT_EQ(service_.store.size(), 3U);
}

TEST_F(ChildrenTest, AnAccountUpdateThatIsNotSettledInTimeIsAnsweredWithItself) {
  service_.waiters.drain();
  const Response response = put("/users/a/accounts/USD", R"({"frozen":false})");
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(header(response, "Location"), "/transactions/3");
  EXPECT_THAT(response.body, AllOf(StartsWith(R"({"id":3,)"), EndsWith(R"("frozen":false})"),
                                   Not(HasSubstr("overdraft_limit")), HasSubstr(R"("status":"pending")")));
}

}  // namespace
}  // namespace tps::http
