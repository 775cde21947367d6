#include "auth/api_key.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace tps::auth {
namespace {

constexpr std::string_view kKey = "tps_live_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";  // 00 01 02 ... 1f

std::string hex(const ports::KeyHash& hash) {
  std::string text;
  for (const std::uint8_t byte : hash) {
    text += "0123456789abcdef"[byte >> 4U];
    text += "0123456789abcdef"[byte & 15U];
  }
  return text;
}

TEST(ApiKey, IsMadeOfRandomness) {
  std::set<std::string> texts;
  std::set<std::string> ids;
  std::array<std::set<char>, 43> characters;
  for (int i = 0; i < 200; ++i) {
    const NewApiKey key = make_api_key();
    EXPECT_THAT(key.text, ::testing::MatchesRegex("tps_live_[A-Za-z0-9_-]{43}"));
    EXPECT_TRUE(is_api_key(key.text)) << key.text;
    EXPECT_EQ(key.id, key.text.substr(0, 17));
    EXPECT_EQ(key.hash, hash_api_key(key.text));
    texts.insert(key.text);
    ids.insert(key.id);
    for (std::size_t at = 0; at < characters.size(); ++at) characters[at].insert(key.text[9 + at]);
  }
  EXPECT_EQ(texts.size(), 200);
  EXPECT_EQ(ids.size(), 200);
  // The last one has only four bits of the 256.
  for (std::size_t at = 0; at < characters.size(); ++at) EXPECT_GT(characters[at].size(), at < 42 ? 40 : 12) << at;
}

TEST(ApiKey, IsKnownByItsForm) {
  EXPECT_TRUE(is_api_key(kKey));
  const std::string key(kKey);
  for (const std::string& text : std::initializer_list<std::string>{
           "", "tps_live_", "tps_live", key.substr(1), key.substr(0, 51), key + "A", key + "=", key + "\n", " " + key,
           "tps_test_" + key.substr(9), "TPS_LIVE_" + key.substr(9), key.substr(0, 30) + "+" + key.substr(31),
           key.substr(0, 30) + std::string(1, '\0') + key.substr(31), key.substr(0, 51) + "9" /* trailing bits */}) {
    EXPECT_FALSE(is_api_key(text)) << text;
  }
}

TEST(ApiKey, ShowsNoMoreThanItsId) {
  EXPECT_EQ(api_key_id(kKey), "tps_live_AAECAwQF");
  EXPECT_EQ(api_key_id("short"), "short");
}

TEST(ApiKey, IsKeptAsTheHashOfItsWholeText) {
  // printf %s KEY | sha256sum
  EXPECT_EQ(hex(hash_api_key(kKey)), "3e50c9de5922f65d4f3a5c9cb1c3684344d4eb4a6dd734aa5304587a54fbe480");
  EXPECT_EQ(hex(hash_api_key("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace tps::auth
