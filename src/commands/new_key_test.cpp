#include "commands/new_key.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tps {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::HasSubstr;

constexpr domain::Timestamp kNow{std::chrono::microseconds(1'760'000'000'123'456)};

NewKeyOptions options() { return {.subject = "payments", .scopes = "transactions:write,transactions:read"}; }

TEST(NewKey, LivesAsLongAsItIsTold) {
  EXPECT_EQ(parse_lifetime("1m"), minutes(1));
  EXPECT_EQ(parse_lifetime("90m"), minutes(90));
  EXPECT_EQ(parse_lifetime("12h"), hours(12));
  EXPECT_EQ(parse_lifetime("90d"), days(90));
  EXPECT_EQ(parse_lifetime("10y"), days(3650));
  EXPECT_EQ(parse_lifetime("3650d"), days(3650));
  EXPECT_EQ(parse_lifetime("5256000m"), days(3650));
}

TEST(NewKey, LivesForNoOtherTime) {
  for (const std::string_view text : {"",
                                      "d",
                                      "90",
                                      "0d",
                                      "-1d",
                                      "+1d",
                                      "1.5d",
                                      "1 d",
                                      " 1d",
                                      "1d ",
                                      "1D",
                                      "1dd",
                                      "1d12h",
                                      "30s",
                                      "1w",
                                      "11y",
                                      "3651d",
                                      "5256001m",
                                      "9223372036854775807y",
                                      "9223372036854775808d",
                                      "0x1d",
                                      "1e3d",
                                      "\u0661d"}) {
    EXPECT_EQ(parse_lifetime(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_lifetime(std::string_view("1d\0", 3)), std::nullopt);
}

TEST(NewKey, IsDescribed) {
  const auto plain = described_key(options(), kNow);
  ASSERT_TRUE(plain) << plain.error();
  EXPECT_EQ(*plain, (ports::ApiKey{.id = "",
                                   .subject = "payments",
                                   .scopes = "transactions:read transactions:write",
                                   .created_at = kNow,
                                   .created_by = ""}));
  NewKeyOptions told = options();
  told.only_user = std::string(128, 'u');
  told.expires_in = "1h";
  const auto full = described_key(told, kNow);
  ASSERT_TRUE(full) << full.error();
  EXPECT_EQ(full->only_user, told.only_user);
  EXPECT_EQ(full->expires_at, kNow + hours(1));
}

TEST(NewKey, SaysWhatIsWrong) {
  const auto error_of = [](auto change) {
    NewKeyOptions told = options();
    change(told);
    const auto key = described_key(told, kNow);
    return key ? std::string() : key.error();
  };
  for (const std::string& text : std::initializer_list<std::string>{"", std::string(129, 'x'), "a\nb", "a\x7f",
                                                                    "a\xC2\x85", "\xFF", std::string("a\0b", 3)}) {
    EXPECT_THAT(error_of([&](NewKeyOptions& told) { told.subject = text; }), HasSubstr("--subject: ")) << text;
    EXPECT_THAT(error_of([&](NewKeyOptions& told) { told.only_user = text; }), HasSubstr("--only-user: ")) << text;
  }
  const auto of_scopes = [&](const char* text) { return error_of([&](NewKeyOptions& told) { told.scopes = text; }); };
  EXPECT_EQ(of_scopes("transactions:reed"),
            "--scopes: there is no scope transactions:reed; did you mean transactions:read?");
  EXPECT_THAT(of_scopes("everything"), HasSubstr("there is no scope everything, only transactions:read, "));
  EXPECT_THAT(of_scopes(" , "), HasSubstr("expected some of transactions:read, "));
  EXPECT_THAT(error_of([](NewKeyOptions& told) { told.expires_in = "forever"; }), HasSubstr("--expires-in: "));
}

}  // namespace
}  // namespace tps
