#include "auth/users.hpp"

#include <gtest/gtest.h>

#include "auth/password.hpp"

namespace tps::auth {
namespace {

const std::string& a_hash() {
  static const std::string kHash = hash_password("correct horse");
  return kHash;
}

std::string error_of(const std::string& text) {
  const auto users = read_users(text);
  return users ? "" : users.error();
}

TEST(Password, IsGoodForItsHashOnly) {
  EXPECT_TRUE(a_hash().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
  EXPECT_TRUE(verify_password(a_hash(), "correct horse"));
  EXPECT_FALSE(verify_password(a_hash(), "correct horse "));
  EXPECT_FALSE(verify_password(a_hash(), ""));
  EXPECT_FALSE(verify_password("", ""));
  EXPECT_NE(a_hash(), hash_password("correct horse"));
}

TEST(Password, HashesAreOfTheKindThatIsHardToGuess) {
  EXPECT_EQ(flaw_of_hash(a_hash()), "");
  EXPECT_EQ(flaw_of_hash("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"), "");
  for (const std::string& hash : std::vector<std::string>{
           "secret", "$2b$12$abcdefghijklmnopqrstuv",
           "$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
           "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
           "$argon2id$v=19$m=4000000,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
           "$argon2id$v=19$m=19456,t=400,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA", "$argon2id$v=19$",
           "$argon2id$v=19$m=19456,t=2,p=1$abc", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$", a_hash() + "!",
           a_hash().substr(0, 50)}) {
    EXPECT_NE(flaw_of_hash(hash), "") << hash;
    EXPECT_FALSE(verify_password(hash, "x")) << hash;
  }
}

TEST(Users, AreReadFromLines) {
  const auto users =
      read_users("# who may log in\n\nalice " + a_hash() + " transactions:read,transactions:write\n  bob\t" + a_hash() +
                 " accounts:read  user=user 11\r\n");
  ASSERT_TRUE(users) << users.error();
  ASSERT_EQ(users->size(), 2U);
  EXPECT_EQ(users->at("alice").scopes.text(), "transactions:read transactions:write");
  EXPECT_EQ(users->at("alice").only_user, std::nullopt);
  EXPECT_EQ(users->at("bob").only_user, "user 11");
}

TEST(Users, SayWhichLineIsWrong) {
  EXPECT_EQ(error_of("alice " + a_hash()), "line 1: expected a name, an argon2id hash and scopes");
  EXPECT_EQ(error_of("\nalice secret admin"), "line 2: not an argon2id hash; `tps hash-password` makes one");
  EXPECT_EQ(error_of("alice " + a_hash() + " transactions:reed"), "line 1: there is no scope \"transactions:reed\"");
  EXPECT_EQ(error_of("alice " + a_hash() + " admin role=x"), "line 1: after the scopes comes nothing, or user=ID");
  EXPECT_EQ(error_of("alice " + a_hash() + " admin user="), "line 1: after the scopes comes nothing, or user=ID");
  const std::string line = "alice " + a_hash() + " admin\n";
  EXPECT_EQ(error_of(line + line), "line 2: \"alice\" is there twice");
}

}  // namespace
}  // namespace tps::auth
