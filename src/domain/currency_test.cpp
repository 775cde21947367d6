#include "domain/currency.hpp"

#include <gtest/gtest.h>

namespace tps::domain {
namespace {

TEST(Currencies, KnowsIsoCodesInAnyCaseWithTheirDecimals) {
  const Currencies currencies;
  struct Case {
    std::string_view text;
    std::string_view code;
    int exponent;
  };
  const Case cases[] = {{"USD", "USD", 2}, {"usd", "USD", 2}, {"jPy", "JPY", 0}, {"KWD", "KWD", 3},
                        {"CLF", "CLF", 4}, {"UYW", "UYW", 4}, {"EUR", "EUR", 2}, {"ISK", "ISK", 0},
                        {"TND", "TND", 3}, {"UGX", "UGX", 0}, {"ZWG", "ZWG", 2}, {"MRU", "MRU", 2}};
  for (const Case& one : cases) {
    const Currency* found = currencies.find(one.text);
    ASSERT_NE(found, nullptr) << one.text;
    EXPECT_EQ(found->code, one.code);
    EXPECT_EQ(found->exponent, one.exponent) << one.text;
  }
}

TEST(Currencies, RefusesWhatIsNoCurrency) {
  const Currencies currencies;
  // XXX and XTS are "no currency" and "testing"; XAU has no minor unit; the rest never was one.
  for (const std::string_view text : std::initializer_list<std::string_view>{
           "", "US", "USDT", "XXX", "XTS", "XAU", "ZZZ", {"U\0D", 3}, "uşd", "USD "}) {
    EXPECT_EQ(currencies.find(text), nullptr) << text;
  }
}

TEST(Currencies, TakesConfiguredAssets) {
  const auto currencies = Currencies::with_assets("BTC:8,points:0,USD:2");
  ASSERT_TRUE(currencies.has_value());
  EXPECT_EQ(currencies->find("btc")->exponent, 8);
  EXPECT_EQ(currencies->find("POINTS")->code, "POINTS");
  EXPECT_EQ(currencies->all().size(), Currencies().all().size() + 2);
}

TEST(Currencies, RefusesBadAssets) {
  for (const std::string_view text : {"BTC", "BTC:", "BTC:19", "BTC:-1", "BTC:x", "B:2", "TOOLONGASSETS:2", "A-B:2",
                                      "USD:3", "BTC:8,BTC:7", "BTC:8 "}) {
    EXPECT_FALSE(Currencies::with_assets(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace tps::domain
