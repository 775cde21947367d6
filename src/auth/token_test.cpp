#include "auth/token.hpp"

#include <gtest/gtest.h>

#include "auth/test_tokens.hpp"

namespace tps::auth {
namespace {

constexpr std::string_view kHs = R"({"alg":"HS256","typ":"JWT"})";
constexpr std::string_view kGood = R"({"sub":"shop","scope":"transactions:read","exp":1800000600})";

SigningKey secret(std::string id = "", std::string text = kSecret) {
  return *SigningKey::of_secret(std::move(id), std::move(text));
}

KeySet with(std::vector<SigningKey> keys) { return KeySet(std::move(keys)); }

std::optional<TokenFlaw> flaw_of(const std::string& text, const KeySet& keys, const TokenRules& rules = {}) {
  const auto verified = verify_token(text, keys, rules, kNow);
  return verified ? std::nullopt : std::optional(verified.error());
}

std::optional<TokenFlaw> flaw_of_claims(std::string_view claims, const TokenRules& rules = {}) {
  return flaw_of(token(secret(), kHs, claims), with({secret()}), rules);
}

TEST(Token, SaysWhoItIsForAndWhatIsAllowed) {
  const auto verified = verify_token(
      token(secret(), kHs,
            R"({"sub":"shop","scope":"openid transactions:read accounts:read","exp":1800000600,"tps_user":"user_11"})"),
      with({secret()}), {}, kNow);
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->caller.principal, "shop");
  EXPECT_EQ(verified->caller.only_user, "user_11");
  EXPECT_EQ(verified->scopes.text(), "transactions:read accounts:read");
  EXPECT_EQ(verified->expires_at, kNow + std::chrono::seconds(660));
}

TEST(Token, TakesEachAlgorithmFromItsOwnKind) {
  const KeyPair rsa = KeyPair::rsa();
  const KeyPair ec = KeyPair::p256();
  auto keys = *SigningKey::of_pem(rsa.pem() + ec.pem());
  ASSERT_EQ(keys.size(), 2U);
  const KeySet set = with(keys);
  EXPECT_EQ(flaw_of(token(rsa, R"({"alg":"RS256"})", kGood), set), std::nullopt);
  EXPECT_EQ(flaw_of(token(ec, R"({"alg":"ES256"})", kGood), set), std::nullopt);
  EXPECT_EQ(flaw_of(token(ec, R"({"alg":"RS256"})", kGood), set), TokenFlaw::signature);
  EXPECT_EQ(flaw_of(token(KeyPair::rsa(), R"({"alg":"RS256"})", kGood), set), TokenFlaw::signature);
}

// RFC 8725 section 2.1: a public key is no secret.
TEST(Token, TakesNoPublicKeyForASecret) {
  const KeyPair rsa = KeyPair::rsa();
  const SigningKey forged = secret("", rsa.pem());
  EXPECT_EQ(flaw_of(token(forged, kHs, kGood), with(*SigningKey::of_pem(rsa.pem()))), TokenFlaw::unknown_key);
}

TEST(Token, RefusesWhatIsNotSigned) {
  const KeySet keys = with({secret()});
  for (const std::string_view algorithm : {"none", "None", "NONE", "", "HS512", "hs256"}) {
    const std::string header = R"({"alg":")" + std::string(algorithm) + R"("})";
    EXPECT_EQ(flaw_of(unsigned_token(header, kGood) + ".", keys), TokenFlaw::header) << algorithm;
    EXPECT_EQ(flaw_of(token(secret(), header, kGood), keys), TokenFlaw::header) << algorithm;
  }
  EXPECT_EQ(flaw_of(unsigned_token(kHs, kGood) + ".", keys), TokenFlaw::signature);
}

TEST(Token, RefusesHeadersThatWouldChooseForUs) {
  for (const std::string_view member :
       {R"("crit":["exp"])", R"("jku":"https://a.example/")", R"("jwk":{"kty":"oct"})", R"("x5u":"https://a.example/")",
        R"("x5c":["a"])", R"("b64":false)", R"("zip":"DEF")", R"("typ":"JWE")", R"("typ":1)", R"("kid":7)",
        R"("alg":"HS256")"}) {
    const std::string header = R"({"alg":"HS256",)" + std::string(member) + "}";
    EXPECT_NE(flaw_of(token(secret(), header, kGood), with({secret()})), std::nullopt) << member;
  }
}

TEST(Token, LooksItsKeyUpById) {
  const KeySet keys = with({secret("new"), secret("old", "0123456789abcdefghijklmnopqrstuvwxyz")});
  EXPECT_EQ(flaw_of(token(secret("new"), R"({"alg":"HS256","kid":"new"})", kGood), keys), std::nullopt);
  EXPECT_EQ(flaw_of(token(secret("new"), R"({"alg":"HS256","kid":"old"})", kGood), keys), TokenFlaw::signature);
  EXPECT_EQ(flaw_of(token(secret("new"), R"({"alg":"HS256","kid":"../../dev/null"})", kGood), keys),
            TokenFlaw::unknown_key);
  EXPECT_EQ(flaw_of(token(secret("new"), kHs, kGood), keys), std::nullopt);
}

TEST(Token, IsGoodForItsTimeOnly) {
  EXPECT_EQ(flaw_of_claims(R"({"sub":"shop"})"), TokenFlaw::not_now);
  EXPECT_EQ(flaw_of_claims(R"({"sub":"shop","exp":"1800000600"})"), TokenFlaw::not_now);
  EXPECT_EQ(flaw_of_claims(R"({"sub":"shop","exp":1799999940})"), TokenFlaw::not_now);
  EXPECT_EQ(flaw_of_claims(R"({"sub":"shop","exp":1799999941})"), std::nullopt);
  EXPECT_EQ(flaw_of_claims(R"({"sub":"shop","exp":1799999941.5})"), std::nullopt);
  EXPECT_EQ(flaw_of_claims(R"({"sub":"shop","exp":-1})"), TokenFlaw::not_now);
  EXPECT_EQ(flaw_of_claims(R"({"sub":"shop","exp":1e300})"), std::nullopt);
  for (const std::string_view name : {"nbf", "iat"}) {
    const std::string start = R"({"sub":"shop","exp":1800000600,")" + std::string(name) + R"(":)";
    EXPECT_EQ(flaw_of_claims(start + "1800000060}"), std::nullopt) << name;
    EXPECT_EQ(flaw_of_claims(start + "1800000061}"), TokenFlaw::not_now) << name;
    EXPECT_EQ(flaw_of_claims(start + "null}"), TokenFlaw::not_now) << name;
  }
}

TEST(Token, IsForTheConfiguredIssuerAndAudience) {
  const TokenRules rules{.issuer = "https://id.example/", .audience = "tps"};
  const std::string start = R"({"sub":"shop","exp":1800000600)";
  const std::string issued = start + R"(,"iss":"https://id.example/")";
  EXPECT_EQ(flaw_of_claims(issued + R"(,"aud":"tps"})", rules), std::nullopt);
  EXPECT_EQ(flaw_of_claims(issued + R"(,"aud":["x","tps"]})", rules), std::nullopt);
  EXPECT_EQ(flaw_of_claims(issued + R"(,"aud":["x","tp"]})", rules), TokenFlaw::audience);
  EXPECT_EQ(flaw_of_claims(issued + R"(,"aud":"tps2"})", rules), TokenFlaw::audience);
  EXPECT_EQ(flaw_of_claims(issued + "}", rules), TokenFlaw::audience);
  EXPECT_EQ(flaw_of_claims(start + R"(,"iss":"https://id.example","aud":"tps"})", rules), TokenFlaw::issuer);
  EXPECT_EQ(flaw_of_claims(start + R"(,"aud":"tps"})", rules), TokenFlaw::issuer);
}

TEST(Token, NeedsASubject) {
  for (const std::string_view members :
       {R"("x":1)", R"("sub":"")", R"("sub":1)", R"("sub":"a\nb")", R"("sub":"a\u0000b")",
        R"("sub":"shop","tps_user":"")", R"("sub":"shop","tps_user":null)", R"("sub":"shop","scope":["admin"])"}) {
    EXPECT_EQ(flaw_of_claims(R"({"exp":1800000600,)" + std::string(members) + "}"), TokenFlaw::claims) << members;
  }
  EXPECT_EQ(flaw_of_claims(R"({"exp":1800000600,"sub":"a","sub":"b"})"), TokenFlaw::malformed);
}

TEST(Token, RefusesEveryOtherShape) {
  const KeySet keys = with({secret()});
  const std::string good = token(secret(), kHs, kGood);
  ASSERT_EQ(flaw_of(good, keys), std::nullopt);
  for (const std::string& text :
       {std::string(), std::string("."), std::string(".."), std::string("a.b.c"), good + ".", good + "=", " " + good,
        good.substr(0, good.rfind('.')), good + std::string(kMaxTokenBytes, 'A'), token(secret(), "[]", kGood),
        token(secret(), "{", kGood), token(secret(), kHs, "[]"), token(secret(), kHs, "\xFF")}) {
    EXPECT_NE(flaw_of(text, keys), std::nullopt) << text;
  }
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(flaw_of(changed, keys), std::nullopt) << i;
  }
}

TEST(Token, IsTakenAsItWasIssued) {
  const TokenRules rules{.issuer = "tps", .audience = "tps \"quoted\""};
  const Principal principal{.caller = {.principal = "al\\ice", .only_user = "user \"11\""},
                            .scopes = *Scopes::parse("transactions:write"),
                            .expires_at = kNow + std::chrono::minutes(15)};
  const auto verified =
      verify_token(issue_token(principal, secret("k1"), rules, kNow), with({secret("k1")}), rules, kNow);
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->caller.principal, "al\\ice");
  EXPECT_EQ(verified->caller.only_user, "user \"11\"");
  EXPECT_EQ(verified->scopes, principal.scopes);
}

}  // namespace
}  // namespace tps::auth
