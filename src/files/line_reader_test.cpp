#include "files/line_reader.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "support/text_file.hpp"

namespace tps::files {
namespace {

using test::TextFile;

std::vector<std::string> lines_of(const std::string& text) {
  const TextFile file(text);
  LineReader reader(file.descriptor(), [] { return false; });
  std::vector<std::string> lines;
  while (true) {
    const auto line = reader.next();
    if (!line) {
      ADD_FAILURE() << line.error();
      break;
    }
    if (!*line) break;
    EXPECT_EQ((*line)->number, lines.size() + 1);
    EXPECT_EQ((*line)->too_long, (*line)->text.size() == 1'000 && text.size() > kMaxLineBytes);
    lines.emplace_back((*line)->text);
  }
  EXPECT_EQ(reader.bytes(), text.size());
  return lines;
}

using Lines = std::vector<std::string>;

TEST(LineReader, Lines) {
  const struct {
    const char* text;
    Lines lines;
  } cases[] = {
      {"", {}},
      {"\n", {""}},
      {"a", {"a"}},
      {"a\n", {"a"}},
      {"a\n\nb", {"a", "", "b"}},
      {"a\r\nb\r\n", {"a\r", "b\r"}},
      {"\xEF\xBB\xBF"
       "a\n\xEF\xBB\xBF"
       "b\n",
       {"a",
        "\xEF\xBB\xBF"
        "b"}},
  };
  for (const auto& one : cases) EXPECT_EQ(lines_of(one.text), one.lines) << one.text;
}

TEST(LineReader, LinesThatCrossTheBuffer) {
  Lines lines;
  std::string text;
  for (std::size_t i = 0; i < 9; ++i) {
    lines.emplace_back(300'000 + i, static_cast<char>('a' + i));
    text += lines.back() + "\n";
  }
  EXPECT_EQ(lines_of(text), lines);
}

TEST(LineReader, TheLongestLineAndOneByteMore) {
  const std::string longest(kMaxLineBytes, 'x');
  EXPECT_EQ(lines_of(longest).front().size(), kMaxLineBytes);
  EXPECT_EQ(lines_of(longest + "\nb\n"), (Lines{longest, "b"}));
  const std::string beginning(1'000, 'x');
  EXPECT_EQ(lines_of(longest + "x").front(), beginning);
  const TextFile file(longest + "x\nb\n" + longest + longest + longest + "\nc");
  LineReader reader(file.descriptor(), [] { return false; });
  for (const std::string& expected : Lines{beginning, "b", beginning, "c"}) {
    const auto line = reader.next();
    ASSERT_TRUE(line && *line);
    EXPECT_EQ((*line)->text, expected);
    EXPECT_EQ((*line)->too_long, expected == beginning);
  }
  const auto end = reader.next();
  EXPECT_TRUE(end && !*end);
}

TEST(LineReader, StopsWhenAskedWhileNothingComes) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  LineReader reader(ends[0], [] { return true; });
  const auto line = reader.next();
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error(), "interrupted");
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace tps::files
