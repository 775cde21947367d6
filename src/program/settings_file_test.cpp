#include "program/settings_file.hpp"

#include <gtest/gtest.h>

namespace tps {
namespace {

TEST(SettingsFile, ValuesAreQuotedOrBare) {
  struct Case {
    const char* text;
    const char* value;
  };
  const Case cases[] = {
      {"listen = \"127.0.0.1:1\"", "127.0.0.1:1"},
      {"listen=127.0.0.1:1", "127.0.0.1:1"},
      {"  listen\t=  127.0.0.1:1  # a comment", "127.0.0.1:1"},
      {"listen = \"a # b\" # a comment", "a # b"},
      {R"(listen = "a\"b\\c\n")", "a\"b\\c\n"},
      {R"(listen = 'a\b"c')", R"(a\b"c)"},
      {"listen = \"\"", ""},
      {"listen = \"a = b\"\r\n", "a = b"},
      {"# nothing\n\n  # more\nlisten = 1", "1"},
      {"\xEF\xBB\xBFlisten = 1", "1"},
      {"listen = 10.0.0.1, 10.0.0.2", "10.0.0.1, 10.0.0.2"},
  };
  for (const Case& one : cases) {
    const auto entries = parse_settings_file(one.text);
    ASSERT_TRUE(entries && entries->size() == 1) << one.text << (entries ? "" : entries.error());
    EXPECT_EQ(entries->front().name, "listen") << one.text;
    EXPECT_EQ(entries->front().value, one.value) << one.text;
  }
}

TEST(SettingsFile, LinesAreCounted) {
  const auto entries = parse_settings_file("a = 1\n\nb = 2\n");
  ASSERT_TRUE(entries.has_value());
  ASSERT_EQ(entries->size(), 2);
  EXPECT_EQ(entries->at(0).line, 1);
  EXPECT_EQ(entries->at(1).line, 3);
}

TEST(SettingsFile, AMistakeIsReportedWithItsLine) {
  struct Case {
    const char* text;
    const char* error;
  };
  const Case cases[] = {
      {"[[[", "line 1: expected NAME = VALUE"},
      {"[section]\na = 1", "line 1: there are no sections; expected NAME = VALUE"},
      {"a = 1\nlisten", "line 2: expected NAME = VALUE"},
      {"a b = 1", "line 1: expected NAME = VALUE"},
      {"= 1", "line 1: expected NAME = VALUE"},
      {"jwt-secret = half#other",
       "line 1: jwt-secret: a value with # needs quotes, and a comment a blank before its #"},
      {"a =", "line 1: a: a value is missing; the empty one is \"\""},
      {"a = \"b", "line 1: a: the closing quote is missing"},
      {"a = \"b\" c", "line 1: a: one value is expected"},
      {"a = [1, 2]", "line 1: a: one value is expected, not a list"},
      {R"(a = "\x")", R"(line 1: a: only the escapes \" \\ \n \t are known)"},
  };
  for (const Case& one : cases) {
    const auto entries = parse_settings_file(one.text);
    ASSERT_FALSE(entries.has_value()) << one.text;
    EXPECT_EQ(entries.error(), one.error) << one.text;
  }
}

}  // namespace
}  // namespace tps
