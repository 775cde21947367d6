#include "program/nearest.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tps {
namespace {

TEST(Nearest, TheNearestWordIsFoundAndAFarOneIsNot) {
  const std::vector<std::string> known{"serve", "migrate", "config"};
  EXPECT_EQ(nearest("sevre", known), "serve");
  EXPECT_EQ(nearest("migrat", known), "migrate");
  EXPECT_EQ(nearest("quaxotl", known), std::nullopt);
}

TEST(Nearest, AHintIsPartOfASentence) {
  const std::vector<std::string> known{"serve"};
  EXPECT_EQ(did_you_mean("sevre", known), "; did you mean serve?");
  EXPECT_EQ(did_you_mean("quaxotl", known), "");
}

TEST(Nearest, AWrongChoiceIsToldTheRightOnes) {
  const std::vector<std::string> known{"auto", "json", "human"};
  EXPECT_EQ(expected_one_of(known, "jsn"), "expected auto, json or human, not \"jsn\"; did you mean json?");
  EXPECT_EQ(expected_one_of(known, "quaxotl"), "expected auto, json or human, not \"quaxotl\"");
}

}  // namespace
}  // namespace tps
