// The access rules of the whole API, tested without a socket.
#include <gtest/gtest.h>

#include <map>

#include "auth/api_key.hpp"
#include "auth/password.hpp"
#include "auth/test_tokens.hpp"
#include "http/api/api_fixture_test.hpp"
#include "ports/fault.hpp"

namespace tps::http {
namespace {

using auth::Principal;
using auth::Scopes;
using std::chrono::system_clock;

// A registry in memory that can be away.
class TestRegistry final : public ports::KeyRegistry {
 public:
  ports::StoreResult<void> add(const ports::ApiKey& key, const ports::KeyHash& hash, ports::Deadline) override {
    keys_[hash] = key;
    return {};
  }
  ports::StoreResult<bool> revoke(const std::string& id, const std::string& by, domain::Timestamp at,
                                  ports::Deadline) override {
    for (auto& [hash, key] : keys_) {
      if (key.id != id) continue;
      key.revoked_at = at;
      key.revoked_by = by;
      return true;
    }
    return false;
  }
  ports::StoreResult<std::vector<std::optional<ports::ApiKey>>> find(std::span<const ports::KeyHash> hashes,
                                                                     ports::Deadline) override {
    if (away) return std::unexpected(ports::StoreFault{ports::StoreFault::Kind::unavailable, "away"});
    std::vector<std::optional<ports::ApiKey>> found;
    for (const ports::KeyHash& hash : hashes) {
      const auto key = keys_.find(hash);
      found.push_back(key == keys_.end() ? std::nullopt : std::optional(key->second));
    }
    return found;
  }
  ports::StoreResult<std::vector<ports::ApiKey>> list(ports::Deadline) override { return {}; }

  bool away = false;

 private:
  std::map<ports::KeyHash, ports::ApiKey> keys_;
};

class AccessTest : public ApiTest {
 protected:
  AccessTest() { keys_.replace({secret_}); }

  std::string token(std::string_view scopes, std::optional<std::string> only_user = std::nullopt,
                    std::string subject = "shop") {
    const Principal principal{.caller = {.principal = std::move(subject), .only_user = std::move(only_user)},
                              .scopes = *Scopes::parse(scopes),
                              .expires_at = system_clock::now() + std::chrono::minutes(1)};
    return "Bearer " + auth::issue_token(principal, secret_, {}, system_clock::now());
  }

  Response get(std::string_view target, std::string_view authorization) {
    return ask_of(api_, Method::get, target, {}, {{"Authorization", authorization}});
  }
  Response post_as(std::string_view authorization, std::string_view body, Headers headers = {}) {
    headers.emplace_back("Authorization", authorization);
    headers.emplace_back("Content-Type", "application/json");
    return ask_of(api_, Method::post, "/transactions", body, std::move(headers));
  }
  Response log_in(std::string_view form, std::string_view type = "application/x-www-form-urlencoded") {
    return ask_of(api_, Method::post, "/token", form, {{"Content-Type", type}});
  }

  const auth::SigningKey secret_ = *auth::SigningKey::of_secret("", auth::kSecret);
  TestRegistry registry_;
  auth::TrustedKeys keys_;
  lanes::Lane key_lane_{{.name = "key"}, service_.metrics, auth::key_flight(registry_, service_.metrics)};
  auth::ApiKeys api_keys_{key_lane_};
  auth::Gate gate_{{.keys = keys_, .rules = {}, .api_keys = api_keys_, .metrics = service_.metrics}};
  lanes::Lane password_lane_{{.name = "password", .max_flight = 1}, service_.metrics, auth::password_flight()};
  auth::Login login_{{.rules = {}, .lifetime = std::chrono::minutes(15)}, secret_, password_lane_, service_.metrics};
  auth::RateLimiter per_principal_{std::chrono::hours(1), 100};
  auth::RateLimiter per_address_{std::chrono::hours(1), 1000};
  Services services_ = [this] {
    Services services = service_.services(readiness_);
    services.access = {
        .gate = &gate_, .login = &login_, .per_principal = &per_principal_, .per_address = &per_address_};
    return services;
  }();
  Api api_{routes(), services_};
};

TEST_F(AccessTest, NobodyComesInWithoutGoodCredentials) {
  const std::string good = token("admin");
  for (const std::string& authorization :
       {std::string(), std::string("Bearer"), std::string("Bearer "), std::string("Basic YWxpY2U6c2VjcmV0"),
        good.substr(7), "Bearer  " + good.substr(7) + " x", good + "x", std::string("Bearer tps_live_"),
        "Bearer tps_live_" + std::string(43, 'A'), "Bearer " + std::string(100'000, 'a')}) {
    const Response response = get("/transactions/1", authorization);
    EXPECT_EQ(response.status, 401) << authorization;
    EXPECT_EQ(header(response, "WWW-Authenticate"), "Bearer");
    EXPECT_NE(response.body.find(R"("detail":"Valid credentials are required")"), std::string::npos) << response.body;
  }
  EXPECT_EQ(ask_of(api_, Method::get, "/transactions/1", {}, {{"Authorization", good}, {"Authorization", good}}).status,
            401);
  EXPECT_EQ(get("/transactions/1", good).status, 404);
  EXPECT_EQ(get("/transactions/1", "bearer" + good.substr(6)).status, 404);
}

TEST_F(AccessTest, EveryRouteAsksForItsScope) {
  for (const Route& route : routes()) {
    if (!route.scope) continue;
    std::string path(route.path_template);
    for (const char* parameter : {"{id}", "{currency}"}) {
      if (const auto place = path.find(parameter); place != std::string::npos) {
        path.replace(place, std::string_view(parameter).size(), "1");
      }
    }
    for (const auth::Scope scope : auth::kAllScopes) {
      const std::string authorization = token(name_of(scope));
      const int status = ask_of(api_, route.method, path, {}, {{"Authorization", authorization}}).status;
      const bool allowed = scope == *route.scope || scope == auth::Scope::admin;
      EXPECT_EQ(status != 403, allowed) << path << " " << name_of(scope) << " " << status;
      EXPECT_NE(status, 401) << path;
    }
  }
  for (const char* path : {"/health", "/readiness", "/metrics", "/docs", "/openapi.json"}) {
    EXPECT_EQ(get(path, "").status, 200) << path;
  }
}

TEST_F(AccessTest, ThePrincipalIsTheSubject) {
  ASSERT_EQ(post_as(token("transactions:write"), kGood, {{"Idempotency-Key", "k"}}).status, 201);
  // A new token of the same subject repeats; another subject has keys of its own.
  EXPECT_EQ(
      header(post_as(token("transactions:write admin"), kGood, {{"Idempotency-Key", "k"}}), "Idempotent-Replayed"),
      "true");
  EXPECT_EQ(header(post_as(token("transactions:write", {}, "other"), kGood, {{"Idempotency-Key", "k"}}),
                   "Idempotent-Replayed"),
            "-");
}

TEST_F(AccessTest, OneUserSeesAndMovesOnlyTheirOwn) {
  const std::string all = token("admin");
  ASSERT_EQ(post_as(all, R"({"user_id":"user_1","amount":5,"currency":"USD"})").status, 201);
  ASSERT_EQ(post_as(all, R"({"user_id":"user_2","to_user_id":"user_3","type":"transfer","amount":5,"currency":"USD"})")
                .status,
            201);
  const std::string one = token("admin", "user_1");
  const std::string receiver = token("admin", "user_3");
  EXPECT_EQ(get("/transactions/1", one).status, 200);
  EXPECT_EQ(get("/transactions/2", receiver).status, 200);
  EXPECT_EQ(get("/users/user_1/balances", one).status, 200);

  const Response foreign = get("/transactions/2", one);
  Response missing = get("/transactions/9", one);
  EXPECT_EQ(foreign.status, 404);
  missing.body.replace(missing.body.find("/9"), 2, "/2");
  EXPECT_EQ(foreign.body, missing.body);
  for (const char* path : {"/users/user_2/balances", "/users/nobody/balances", "/users/user_2/statement?currency=USD",
                           "/transactions?user_id=user_2"}) {
    EXPECT_EQ(get(path, one).status, 404) << path;
  }
  EXPECT_EQ(ask_of(api_, Method::put, "/users/user_2/accounts/USD", R"({"frozen":true})",
                   {{"Authorization", one}, {"Content-Type", "application/json"}})
                .status,
            404);
  const std::string listed = get("/transactions", one).body;
  EXPECT_NE(listed.find("user_1"), std::string::npos);
  EXPECT_EQ(listed.find("user_2"), std::string::npos);

  const std::size_t before = service_.store.size();
  EXPECT_EQ(post_as(one, R"({"user_id":"user_2","amount":5,"currency":"USD"})").status, 403);
  EXPECT_EQ(ask_of(api_, Method::post, "/transactions/2/reverse", {}, {{"Authorization", one}}).status, 404);
  const std::string items = R"({"transactions":[{"user_id":"user_1","amount":1,"currency":"USD"},)"
                            R"({"user_id":"user_2","amount":1,"currency":"USD"}]})";
  const Response batch = ask_of(api_, Method::post, "/transactions/batch", items,
                                {{"Authorization", one}, {"Content-Type", "application/json"}});
  EXPECT_EQ(batch.status, 200);
  EXPECT_NE(batch.body.find(R"({"status":403,"problem":)"), std::string::npos) << batch.body;
  EXPECT_EQ(service_.store.size(), before + 1);
}

// 3 is a transfer from user_1 to user_2, 4 a withdrawal of user_1.
TEST_F(AccessTest, CredentialsOfOneUserPayButTakeNothingBack) {
  const std::string all = token("admin");
  const std::string deposit = R"({"user_id":"user_1","amount":5,"currency":"USD"})";
  const std::string transfer =
      R"({"user_id":"user_1","to_user_id":"user_2","type":"transfer","amount":1,"currency":"USD"})";
  const std::string withdrawal = R"({"user_id":"user_1","type":"withdrawal","amount":1,"currency":"USD"})";
  ASSERT_EQ(post_as(all, deposit).status, 201);
  const std::string payer = token("transactions:write", "user_1");
  const std::string receiver = token("transactions:write", "user_2");
  const auto reverse = [this](int id, const std::string& authorization) {
    return ask_of(api_, Method::post, "/transactions/" + std::to_string(id) + "/reverse", {},
                  {{"Authorization", authorization}})
        .status;
  };
  const Response refused = post_as(payer, deposit);
  EXPECT_EQ(refused.status, 403);
  EXPECT_NE(refused.body.find("transactions:deposit"), std::string::npos) << refused.body;
  EXPECT_EQ(post_as(token("transactions:write transactions:deposit", "user_1"), deposit).status, 201);
  ASSERT_EQ(post_as(payer, transfer).status, 201);
  ASSERT_EQ(post_as(payer, withdrawal).status, 201);

  EXPECT_EQ(reverse(3, payer), 403);
  EXPECT_EQ(reverse(4, payer), 403);
  EXPECT_EQ(reverse(1, payer), 403);
  EXPECT_EQ(reverse(4, receiver), 404);
  EXPECT_EQ(reverse(3, receiver), 201);
  EXPECT_EQ(reverse(3, token("transactions:write transactions:reverse", "user_1")), 201);
  EXPECT_EQ(reverse(4, token("transactions:write transactions:reverse", "user_1")), 201);
  EXPECT_EQ(reverse(4, token("transactions:write")), 201);
}

TEST_F(AccessTest, ApiKeysComeFromTheStore) {
  const auth::NewApiKey key = auth::make_api_key();
  const std::string authorization = "Bearer " + key.text;
  ASSERT_EQ(get("/transactions/1", authorization).status, 401);
  ASSERT_TRUE(registry_.add({.id = key.id, .subject = "shop", .scopes = "transactions:read", .created_by = "test"},
                            key.hash, {}));
  EXPECT_EQ(get("/transactions/1", authorization).status, 404);
  EXPECT_EQ(get("/users/u/balances", authorization).status, 403);

  registry_.away = true;
  EXPECT_EQ(get("/transactions/1", authorization).status, 404);  // found good a moment ago
  EXPECT_EQ(get("/transactions/1", "Bearer " + auth::make_api_key().text).status, 503);
}

TEST_F(AccessTest, NewKeysEndWhatOldOnesSigned) {
  const std::string before = token("admin");
  ASSERT_EQ(get("/transactions/1", before).status, 404);
  keys_.replace({*auth::SigningKey::of_secret("", "another secret of 32 bytes or more"), secret_});
  EXPECT_EQ(get("/transactions/1", before).status, 404);  // both live
  keys_.replace({*auth::SigningKey::of_secret("", "another secret of 32 bytes or more")});
  EXPECT_EQ(get("/transactions/1", before).status, 401);
}

TEST_F(AccessTest, APasswordGetsAToken) {
  login_.replace(
      {{"alice",
        {auth::hash_password("correct horse"), *Scopes::parse("transactions:read accounts:read"), std::nullopt}}});
  const Response response = log_in("grant_type=password&username=alice&password=correct+horse&scope=transactions:read");
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(header(response, "Cache-Control"), "no-store");
  EXPECT_NE(response.body.find(R"("token_type":"bearer","expires_in":900,"scope":"transactions:read"})"),
            std::string::npos)
      << response.body;
  const std::size_t start = response.body.find(":\"") + 2;
  const std::string authorization = "Bearer " + response.body.substr(start, response.body.find('"', start) - start);
  EXPECT_EQ(get("/transactions/1", authorization).status, 404);
  EXPECT_EQ(get("/users/u/balances", authorization).status, 403);

  const Response wrong = log_in("username=alice&password=wrong");
  const Response unknown = log_in("username=mallory&password=wrong");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(wrong.body, unknown.body);
}

TEST_F(AccessTest, BadFormsAreSaidToBe) {
  EXPECT_EQ(log_in("username=a&password=b", "application/json").status, 415);
  for (const char* form :
       {"", "username=a", "password=b", "username=&password=", "username=a&password=b&username=c",
        "username=%zz&password=b", "username=a&password=%00", "grant_type=refresh_token&username=a&password=b",
        "username=a&password=b&scope=everything", "username=a&password=b&x=y"}) {
    EXPECT_EQ(log_in(form).status, 400) << form;
  }
}

TEST_F(AccessTest, WhoFailsTooOftenWaits) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(log_in("username=alice&password=wrong").status, 401);
  const Response response = log_in("username=alice&password=wrong");
  EXPECT_EQ(response.status, 429);
  EXPECT_GE(std::stoi(header(response, "Retry-After")), 1);
  EXPECT_EQ(log_in("username=bob&password=wrong").status, 401);  // others need not
}

TEST_F(AccessTest, RatesAreLimitedPerPrincipalAndToldToIt) {
  const std::string eager = token("transactions:read", {}, "eager");
  const Response first = get("/transactions/1", eager);
  EXPECT_EQ(header(first, "RateLimit-Policy"), R"("principal";q=100;w=360000)");
  EXPECT_EQ(header(first, "RateLimit"), R"("principal";r=99)");
  for (int i = 0; i < 99; ++i) EXPECT_EQ(get("/transactions/1", eager).status, 404);
  const Response refused = get("/transactions/1", eager);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(header(refused, "Retry-After"), "3600");
  EXPECT_EQ(header(refused, "RateLimit"), R"("principal";r=0;t=3600)");
  EXPECT_EQ(get("/transactions/1", token("transactions:read", {}, "calm")).status, 404);
  EXPECT_EQ(get("/health", "").status, 200);
}

TEST_F(AccessTest, RatesAreLimitedPerAddressWhoeverAsks) {
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(get("/transactions/1", "").status, 401);
  EXPECT_EQ(get("/transactions/1", "").status, 429);
  EXPECT_EQ(get("/transactions/1", token("admin")).status, 429);
  EXPECT_EQ(get("/health", "").status, 200);
}

}  // namespace
}  // namespace tps::http
