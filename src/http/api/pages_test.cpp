#include "http/api/pages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace tps::http {
namespace {

constexpr std::array kWithoutScripts{embedded::File{"openapi.json", "{}"}, embedded::File{"left_out.html", "left out"}};

std::vector<std::string> addresses(const std::vector<Page>& pages) {
  std::vector<std::string> paths;
  for (const Page& page : pages) paths.emplace_back(page.path);
  return paths;
}

TEST(Pages, WithoutTheScriptsSayThatTheyWereLeftOut) {
  const auto made = pages_of(kWithoutScripts);
  EXPECT_EQ(addresses(made), (std::vector<std::string>{"/openapi.json", "/docs", "/redoc"}));
  EXPECT_EQ(*made[0].body, "{}");
  EXPECT_EQ(*made[1].body, "left out");
  EXPECT_EQ(*made[2].body, "left out");
  EXPECT_EQ(made[1].content_type, "text/html; charset=utf-8");
}

TEST(Pages, OfThisProgramHaveTheDocumentAndBothPages) {
  const auto paths = addresses(pages());
  for (const std::string path : {"/openapi.json", "/docs", "/redoc"}) {
    EXPECT_TRUE(std::ranges::count(paths, path) == 1) << path;
  }
}

TEST(PagesDeathTest, AMissingFileIsABug) { EXPECT_DEATH(pages_of(std::span(kWithoutScripts).first(1)), ""); }

}  // namespace
}  // namespace tps::http
