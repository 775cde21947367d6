#include "commands/help_text.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace tps {
namespace {

Page example() {
  return {.name = "tps serve",
          .summary = "Serve transactions",
          .examples = {{"tps serve", "the smallest"}, {"tps serve --port 9000 --database-url sqlite:/data/tps.db"}},
          .notes = {"A note."},
          .exit_codes = "0 success",
          .arguments = {{.name = "FILE", .meaning = "file of transactions", .required = true}},
          .groups = {{.title = "Listen",
                      .options = {{.name = "--listen",
                                   .value = "ADDRESS:PORT",
                                   .meaning = "address and port to listen on",
                                   .fallback = "127.0.0.1:8000"},
                                  {.name = "--drain-delay",
                                   .value = "N",
                                   .meaning = "how long to keep accepting",
                                   .fallback = "0 ms",
                                   .advanced = true}}},
                     {.title = "Limits",
                      .options = {{.name = "--queue", .value = "N", .meaning = "a limit", .advanced = true}}},
                     {.title = "Logging",
                      .options = {{.name = "--log-level",
                                   .value = "WORD",
                                   .meaning = "the least important messages",
                                   .fallback = "info",
                                   .choices = {"debug", "info", "warn"}},
                                  {.name = "--color",
                                   .meaning = "colors",
                                   .fallback = "on",
                                   .short_name = "-c",
                                   .opposite = "--no-color"}}}}};
}

TEST(HelpText, ShowsTheEverydayOptionsInGroups) {
  EXPECT_EQ(help_text(example(), 80, false), R"(Serve transactions.

Examples:
  tps serve  the smallest
  tps serve --port 9000 --database-url sqlite:/data/tps.db

Usage: tps serve [OPTIONS] FILE

Arguments:
  FILE                     file of transactions [required]

Listen:
  --listen ADDRESS:PORT    address and port to listen on [default:
                           127.0.0.1:8000]

Logging:
  --log-level WORD         the least important messages: debug, info or warn
                           [default: info]
  -c, --color, --no-color  colors [default: on]

A note.

Exit codes: 0 success.

tps serve --help-all shows 2 more options.
)");
}

TEST(HelpText, ShowsTheOthersOnDemand) {
  const std::string text = help_text(example(), 80, true);
  EXPECT_TRUE(text.contains("  --drain-delay N          how long to keep accepting [default: 0 ms]\n")) << text;
  EXPECT_TRUE(text.contains("\nLimits:\n  --queue N ")) << text;
  EXPECT_FALSE(text.contains("--help-all")) << text;
}

TEST(HelpText, ALongSpellingHasALineOfItsOwn) {
  const Page page{
      .name = "tps",
      .summary = "A",
      .groups = {
          {.title = "Options",
           .options = {{.name = "--insecure-no-auth", .meaning = "allow it", .opposite = "--no-insecure-no-auth"},
                       {.name = "--auth", .meaning = "require it"}}}}};
  EXPECT_EQ(help_text(page, 80, false),
            "A.\n\nUsage: tps [OPTIONS]\n\nOptions:\n  --insecure-no-auth, --no-insecure-no-auth\n"
            "          allow it\n  --auth  require it\n");
}

TEST(HelpText, NamesTheCommandsBelow) {
  const Page page{.name = "tps keys",
                  .summary = "Keys",
                  .commands = {{.name = "tps keys create", .summary = "Make one"},
                               {.name = "tps keys list", .summary = "Show all"}}};
  EXPECT_EQ(help_text(page, 80, false),
            "Keys.\n\nUsage: tps keys COMMAND [OPTIONS]\n\nCommands:\n  create  Make one\n  list    Show all\n");
}

TEST(HelpText, NoLineIsWiderThanTheTerminal) {
  for (const std::size_t width : {60U, 70U, 80U, 100U, 200U}) {
    std::istringstream lines(help_text(example(), width, true));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), width) << line;
  }
}

TEST(HelpText, WrapsBetweenWords) {
  EXPECT_EQ(wrapped("one two three", 7, 0, 0), "one two\nthree");
  EXPECT_EQ(wrapped("one two three", 8, 2, 4), "one\n  two\n  three");
  EXPECT_EQ(wrapped("a verylongword b", 5, 1, 0), "a\n verylongword\n b");
  EXPECT_EQ(wrapped("", 5, 1, 0), "");
}

}  // namespace
}  // namespace tps
