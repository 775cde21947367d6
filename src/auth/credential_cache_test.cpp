#include "auth/credential_cache.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tps::auth {
namespace {

using namespace std::chrono_literals;

const CredentialCache::Time kStart{1h};

SharedPrincipal somebody() { return std::make_shared<const Principal>(); }

TEST(CredentialCache, KeepsACredentialForItsTime) {
  CredentialCache cache(10);
  cache.put(ports::sha256("a"), somebody(), kStart + 5s, cache.generation());
  EXPECT_NE(cache.get(ports::sha256("a"), kStart + 4s), nullptr);
  EXPECT_EQ(cache.get(ports::sha256("b"), kStart), nullptr);
  EXPECT_EQ(cache.get(ports::sha256("a"), kStart + 5s), nullptr);
  EXPECT_EQ(cache.get(ports::sha256("a"), kStart), nullptr);
}

TEST(CredentialCache, ForgetsAll) {
  CredentialCache cache(10);
  const auto before = cache.generation();
  cache.put(ports::sha256("a"), somebody(), kStart + 5s, before);
  cache.clear();
  EXPECT_EQ(cache.get(ports::sha256("a"), kStart), nullptr);
  cache.put(ports::sha256("a"), somebody(), kStart + 5s, before);  // found good before the keys changed
  EXPECT_EQ(cache.get(ports::sha256("a"), kStart), nullptr);
}

TEST(CredentialCache, IsBounded) {
  CredentialCache cache(64);
  for (int i = 0; i < 10'000; ++i) cache.put(ports::sha256(std::to_string(i)), somebody(), kStart + 5s, 0);
  int kept = 0;
  for (int i = 0; i < 10'000; ++i) kept += cache.get(ports::sha256(std::to_string(i)), kStart) != nullptr ? 1 : 0;
  EXPECT_GT(kept, 0);
  EXPECT_LE(kept, 16 * 5);
}

}  // namespace
}  // namespace tps::auth
