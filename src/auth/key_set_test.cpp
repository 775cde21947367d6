#include "auth/key_set.hpp"

#include <gtest/gtest.h>

#include "auth/principal.hpp"
#include "auth/test_tokens.hpp"

namespace tps::auth {
namespace {

std::string error_of(const std::string& text) {
  const auto keys = read_keys(text);
  return keys ? "" : keys.error();
}

// RFC 7515 appendices A.1, A.2 and A.3: the keys, what was signed, and the signatures.
constexpr std::string_view kRsaN =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-"
    "pCgNMs"
    "D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"
    "UTo7WTBEMa2R2CapHg665xsmtdV"
    "MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
constexpr std::string_view kClaims =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

TEST(KeySet, VerifiesTheExamplesOfRfc7515) {
  const std::string jwks =
      R"({"keys":[)"
      R"({"kty":"oct","kid":"a1","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"},)"
      R"({"kty":"RSA","kid":"a2","use":"sig","e":"AQAB","n":")" +
      std::string(kRsaN) +
      R"("},)"
      R"({"kty":"EC","kid":"a3","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})";
  const auto keys = read_keys(jwks);
  ASSERT_TRUE(keys) << keys.error();
  ASSERT_EQ(keys->size(), 3U);
  const auto verifies = [&](std::size_t key, std::string_view header, std::string_view signature) {
    return keys->at(key).verify(std::string(header) + "." + std::string(kClaims), *wire::from_base64url(signature));
  };
  EXPECT_TRUE(verifies(0, "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
  EXPECT_TRUE(verifies(
      1, "eyJhbGciOiJSUzI1NiJ9",
      "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr"
      "7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi"
      "12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypG"
      "lUPQGe77Rw"));
  EXPECT_TRUE(verifies(2, "eyJhbGciOiJFUzI1NiJ9",
                       "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"));
  EXPECT_FALSE(verifies(2, "eyJhbGciOiJFUzI1NiJ9",
                        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1A"));
}

TEST(KeySet, PassesOverKeysForOtherThings) {
  const std::string jwks =
      R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA"},{"kty":"RSA","use":"enc","n":"AA","e":"AQAB"},
    {"kty":"oct","alg":"HS512","k":"AA"},{"kty":"EC","crv":"P-521","x":"AA","y":"AA"}]})";
  EXPECT_EQ(error_of(jwks), "it has no key that can be used (RS256, ES256 or HS256)");
}

TEST(KeySet, SaysWhatIsWrongWithAKey) {
  for (const std::string key :
       {R"({"kty":"RSA","kid":"k","n":"AQAB"})", R"({"kty":"RSA","kid":"k","n":"A=","e":"AQAB"})",
        R"({"kty":"RSA","kid":"k","n":"AQAB","e":"AQAB"})", R"({"kty":"EC","kid":"k","crv":"P-256","x":"AA","y":"AA"})",
        R"({"kty":"oct","kid":"k","k":"c2hvcnQ"})"}) {
    EXPECT_TRUE(error_of(R"({"keys":[)" + key + "]}").starts_with("key \"k\": "))
        << error_of(R"({"keys":[)" + key + "]}");
  }
  // 32 bytes each, but no point of the curve.
  const std::string far(43, 'E');
  EXPECT_EQ(error_of(R"({"keys":[{"kty":"EC","kid":"k","crv":"P-256","x":")" + far + R"(","y":")" + far + R"("}]})"),
            "key \"k\": not a valid public key");
}

TEST(KeySet, RefusesWhatIsNoSet) {
  EXPECT_EQ(error_of(""), "it is empty");
  EXPECT_EQ(error_of("{}"), "it is no JWK Set: a JSON object with an array \"keys\"");
  EXPECT_EQ(error_of("{"), "it is no JWK Set: a JSON object with an array \"keys\"");
  EXPECT_EQ(error_of("hello"), "no PUBLIC KEY in PEM");
  const std::string broken = "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n";
  EXPECT_EQ(error_of(KeyPair::p256().pem() + broken), "a block of PEM is no PUBLIC KEY, or cannot be read");
  const std::string one = R"({"kty":"oct","kid":"k","k":")" + wire::to_base64url(kSecret) + R"("})";
  EXPECT_EQ(error_of(R"({"keys":[)" + one + "," + one + "]}"), "two keys have the same kid");
}

TEST(KeySet, RefusesRsaKeysThatAnyoneCanForge) {
  const auto rsa = [](std::string_view n, std::string_view e) {
    return error_of(R"({"keys":[{"kty":"RSA","kid":"k","n":")" + std::string(n) + R"(","e":")" + std::string(e) +
                    R"("}]})");
  };
  const std::string n(kRsaN);
  const std::string flaw = "key \"k\": an RSA key needs an odd modulus and an odd exponent of at least 3";
  EXPECT_EQ(rsa(n, "AQAB"), "");
  EXPECT_EQ(rsa(n, "Aw"), "");
  EXPECT_EQ(rsa(n, "AQ"), flaw);
  EXPECT_EQ(rsa(n, "AQAA"), flaw);
  std::string even = *wire::from_base64url(n);
  even.back() = static_cast<char>(even.back() & ~1);
  EXPECT_EQ(rsa(wire::to_base64url(even), "AQAB"), flaw);
}

TEST(KeySet, TriesFewKeysOnOneToken) {
  const auto secret = [](const std::string& id, int number) {
    return *SigningKey::of_secret(id, std::string(kSecret) + std::to_string(number));
  };
  std::string pem;
  for (int i = 0; i < 4; ++i) pem += KeyPair::p256().pem();
  EXPECT_EQ(error_of(pem), "");
  EXPECT_EQ(error_of(pem + KeyPair::p256().pem()), "it has more than 4 keys without a kid");

  std::vector<SigningKey> keys{secret("", 0), secret("", 1)};
  for (int i = 2; i < 60; ++i) keys.push_back(secret("k" + std::to_string(i), i));
  const KeySet set(std::move(keys));
  EXPECT_EQ(set.candidates(Algorithm::hs256, "k7").size(), 1U);
  EXPECT_EQ(set.candidates(Algorithm::hs256, "other").size(), 2U);
  EXPECT_EQ(set.candidates(Algorithm::hs256, std::nullopt).size(), 0U);
  EXPECT_EQ(set.candidates(Algorithm::es256, "k7").size(), 0U);
}

TEST(KeySet, RefusesWeakKeys) {
  EXPECT_EQ(error_of(KeyPair::rsa(1024).pem()), "an RSA key needs 2048 bits or more");
  EXPECT_EQ(error_of(KeyPair::p384().pem()), "only RSA and P-256 keys can be used");
  EXPECT_FALSE(SigningKey::of_secret("", "secret"));
  EXPECT_FALSE(SigningKey::of_secret("", std::string(64, 'a')));
  EXPECT_FALSE(SigningKey::of_secret("", "changechangechangechangechangechange"));
  EXPECT_TRUE(SigningKey::of_secret("", kSecret));
}

}  // namespace
}  // namespace tps::auth
