#include "auth/scope.hpp"

#include <gtest/gtest.h>

namespace tps::auth {
namespace {

TEST(Scopes, ReadsNamesAndWritesThem) {
  const auto scopes = Scopes::parse("accounts:read, transactions:write");
  ASSERT_TRUE(scopes);
  EXPECT_EQ(scopes->text(), "transactions:write accounts:read");
  EXPECT_TRUE(scopes->has(Scope::accounts_read));
  EXPECT_FALSE(scopes->has(Scope::transactions_read));
  EXPECT_FALSE(scopes->has(Scope::admin));
  EXPECT_TRUE(Scopes::parse("")->empty());
}

TEST(Scopes, NamesWhatIsNoScope) {
  EXPECT_EQ(Scopes::parse("transactions:read transactions:reed").error(), "transactions:reed");
  EXPECT_EQ(Scopes::known_of("openid transactions:read").text(), "transactions:read");
}

TEST(Scopes, AdminHasAll) {
  const auto admin = Scopes::parse("admin");
  for (const Scope scope : kAllScopes) EXPECT_TRUE(admin->has(scope)) << name_of(scope);
}

TEST(Scopes, NoMoreThanBothHave) {
  const auto some = *Scopes::parse("transactions:read accounts:read");
  EXPECT_EQ(some.both(*Scopes::parse("accounts:read accounts:write")).text(), "accounts:read");
  EXPECT_EQ(some.both(Scopes::all()).text(), "transactions:read accounts:read");
}

}  // namespace
}  // namespace tps::auth
