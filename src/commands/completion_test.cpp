#include "commands/completion.hpp"

#include <gtest/gtest.h>

#include "commands/man.hpp"

namespace tps {
namespace {

Page program() {
  return {
      .name = "tps",
      .summary = "A system",
      .groups = {{.title = "Options", .options = {{.name = "--version", .meaning = "print the version"}}}},
      .commands = {{.name = "tps serve",
                    .summary = "Serve it's data",
                    .groups = {{.title = "Logging",
                                .options = {{.name = "--log-level",
                                             .value = "WORD",
                                             .meaning = "level [of logs]",
                                             .short_name = "-l",
                                             .choices = {"debug", "info"}},
                                            {.name = "--key", .value = "FILE", .meaning = "key", .is_file = true},
                                            {.name = "--worker", .meaning = "settle", .opposite = "--no-worker"}}}}},
                   {.name = "tps keys", .summary = "Keys", .commands = {{.name = "tps keys list", .summary = "List"}}},
                   {.name = "tps import",
                    .summary = "Import",
                    .arguments = {{.name = "FILE", .meaning = "a file", .is_file = true, .required = true}}}}};
}

TEST(Completion, OfBashKnowsCommandsOptionsAndValues) {
  const std::string script = bash_completion(program());
  for (const char* part :
       {"\"tps keys list\") command=\"tps keys list\" ;;", "\"tps serve --log-level\" | \"tps serve -l\")",
        "compgen -W \"debug info\"", "compgen -W \"serve keys import --version\"",
        "compgen -W \"--log-level -l --key --worker --no-worker\"",
        "\"tps import\") mapfile -t COMPREPLY < <(compgen -W \"\" -f", "complete -F _tps tps\n"}) {
    EXPECT_TRUE(script.contains(part)) << part << "\n" << script;
  }
}

TEST(Completion, OfZshQuotesItsDescriptions) {
  const std::string script = zsh_completion(program());
  for (const char* part :
       {"#compdef tps\n", "'serve:Serve it'\\''s data'", "'--log-level=[level \\[of logs\\]]:WORD:(debug info)'",
        "'--key=[key]:FILE:_files'", "'--no-worker[settle]'", "list) _tps_keys_list ;;", "':FILE:_files'"}) {
    EXPECT_TRUE(script.contains(part)) << part << "\n" << script;
  }
}

TEST(Completion, OfFishHasOneLineForEach) {
  const std::string script = fish_completion(program());
  for (const char* part :
       {"complete -c tps -n '__fish_use_subcommand' -a serve -d 'Serve it\\'s data'\n",
        "complete -c tps -n '__fish_seen_subcommand_from serve' -l log-level -s l -x -a 'debug info' -d",
        "-l key -r -F -d 'key'\n", "-l no-worker\n",
        "complete -c tps -n '__fish_seen_subcommand_from keys' -a list -d 'List'\n",
        "complete -c tps -n '__fish_seen_subcommand_from import' -F\n"}) {
    EXPECT_TRUE(script.contains(part)) << part << "\n" << script;
  }
}

TEST(ManPage, IsRoffWithHyphensThatStayHyphens) {
  const Page page{.name = "tps keys create",
                  .summary = "Make a key",
                  .examples = {{"tps keys create --json", "as JSON"}, {".hidden"}},
                  .exit_codes = "0 success",
                  .groups = {{.title = "Options",
                              .options = {{.name = "--path", .value = "P", .meaning = "a\\b", .fallback = "c"}}}}};
  const std::string text = man_page(page);
  EXPECT_EQ(text.find(".TH TPS\\-KEYS\\-CREATE 1 "), 0) << text;
  for (const char* part : {"\ntps\\-keys\\-create \\- Make a key\n", ".B tps keys create [OPTIONS]\n",
                           ".TP\n.B \\-\\-path P\na\\eb [default: c].\n", "as JSON:\n", "tps keys create \\-\\-json\n",
                           "\n\\&.hidden\n", ".SH EXIT STATUS\n0 success.\n"}) {
    EXPECT_TRUE(text.contains(part)) << part << "\n" << text;
  }
}

}  // namespace
}  // namespace tps
