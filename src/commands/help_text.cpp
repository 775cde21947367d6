#include "commands/help_text.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace tps {
namespace {

constexpr std::size_t kIndent = 2;
constexpr std::size_t kLeastColumns = 40;
constexpr std::size_t kUsualColumns = 80;
constexpr std::size_t kMostSpelling = 28;  // longer ones have a line of their own

void append_entry(std::string& out, const std::string& left, const std::string& right, std::size_t column,
                  std::size_t width) {
  std::string line = std::string(kIndent, ' ') + left;
  if (line.size() + 2 > column) {
    out += line + "\n" + std::string(column, ' ');
  } else {
    line.resize(column, ' ');
    out += line;
  }
  out += wrapped(right, width, column, column) + "\n";
}

// Where the meanings begin: behind the longest spelling that is not too long.
std::size_t column_of(const std::vector<OptionLine>& options, std::size_t widest) {
  for (const OptionLine& option : options) {
    const std::size_t size = spelling_of(option).size();
    if (size <= kMostSpelling) widest = std::max(widest, size);
  }
  return widest;
}

// Comments stand in one column behind the commands; one for which there is no room stands below its command.
void append_examples(std::string& out, const std::vector<Example>& examples, std::size_t width) {
  constexpr std::size_t kBelow = 3 * kIndent;
  const auto has_room = [width](const Example& example, std::size_t column) {
    return !example.comment.empty() && column + example.comment.size() <= width;
  };
  std::size_t column = 0;
  for (const Example& example : examples) {
    const std::size_t end = kIndent + example.command.size() + 2;
    if (has_room(example, end)) column = std::max(column, end);
  }
  out += "\nExamples:\n";
  for (const Example& example : examples) {
    std::string line = std::string(kIndent, ' ') + example.command;
    if (line.size() + 2 <= column && has_room(example, column)) {
      line.resize(column, ' ');
      line += example.comment;
    } else if (!example.comment.empty()) {
      line += "\n" + std::string(kBelow, ' ') + wrapped(example.comment, width, kBelow, kBelow);
    }
    out += line + "\n";
  }
}

void append_commands(std::string& out, const std::vector<Page>& commands, std::size_t width) {
  std::size_t widest = 0;
  for (const Page& command : commands) widest = std::max(widest, command.word().size());
  out += "\nCommands:\n";
  for (const Page& command : commands) {
    append_entry(out, command.word(), command.summary, kIndent + widest + 2, width);
  }
}

// Returns the number of options that were left out.
std::size_t append_options(std::string& out, const Page& page, std::size_t width, bool all) {
  std::size_t widest = column_of(page.arguments, 0);
  for (const OptionGroup& group : page.groups) widest = column_of(group.options, widest);
  const std::size_t column = std::min(kIndent + widest + 2, width / 2);
  if (!page.arguments.empty()) out += "\nArguments:\n";
  for (const OptionLine& argument : page.arguments) {
    append_entry(out, argument.name, description_of(argument), column, width);
  }
  std::size_t left_out = 0;
  for (const OptionGroup& group : page.groups) {
    bool titled = false;
    for (const OptionLine& option : group.options) {
      if (option.advanced && !all) {
        ++left_out;
        continue;
      }
      if (!titled) out += "\n" + group.title + ":\n";
      titled = true;
      append_entry(out, spelling_of(option), description_of(option), column, width);
    }
  }
  return left_out;
}

}  // namespace

std::string wrapped(std::string_view text, std::size_t width, std::size_t indent, std::size_t used) {
  std::string out;
  std::size_t column = used;
  bool first_word = true;
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    text = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
    if (!first_word && column + 1 + word.size() > width) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (!first_word) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    first_word = false;
  }
  return out;
}

std::string help_text(const Page& page, std::size_t width, bool all) {
  std::string out = wrapped(page.summary + ".", width, 0, 0) + "\n";
  if (!page.examples.empty()) append_examples(out, page.examples, width);
  out += "\nUsage: " + usage_of(page) + "\n";
  if (!page.commands.empty()) append_commands(out, page.commands, width);
  const std::size_t left_out = append_options(out, page, width, all);
  for (const std::string& note : page.notes) out += "\n" + wrapped(note, width, 0, 0) + "\n";
  if (!page.exit_codes.empty()) out += "\n" + wrapped("Exit codes: " + page.exit_codes + ".", width, 0, 0) + "\n";
  if (left_out > 0) {
    out += "\n" + wrapped(page.name + " --help-all shows " + std::to_string(left_out) + " more options.", width, 0, 0) +
           "\n";
  }
  return out;
}

std::size_t terminal_width() {
  std::size_t columns = 0;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): before any other thread
  if (const char* given = std::getenv("COLUMNS"); given != nullptr) {
    const std::string_view text(given);
    std::from_chars(text.data(), text.data() + text.size(), columns);
  }
  winsize size{};
  if (columns == 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) columns = size.ws_col;
  return columns == 0 ? kUsualColumns : std::max(columns, kLeastColumns);
}

}  // namespace tps
