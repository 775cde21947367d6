#include "commands/man.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "program/exit.hpp"

namespace tps {
namespace {

// A hyphen would be typeset as a dash, and a dot or quote at the beginning of a line would be a request.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if ((c == '.' || c == '\'') && out.empty()) {
      out += std::string("\\&") + c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string joined_with_dashes(std::string name) {
  std::ranges::replace(name, ' ', '-');
  return name;
}

std::string upper_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

void append_section(std::string& out, std::string_view title) { out += ".SH " + std::string(title) + "\n"; }

void append_tagged(std::string& out, std::string_view tag, std::string_view text) {
  out += ".TP\n.B " + escaped(tag) + "\n" + escaped(text) + ".\n";
}

void append_options_to_man(std::string& out, const Page& page) {
  if (page.groups.empty()) return;
  append_section(out, "OPTIONS");
  for (const OptionGroup& group : page.groups) {
    out += ".SS " + escaped(group.title) + "\n";
    for (const OptionLine& option : group.options) append_tagged(out, spelling_of(option), description_of(option));
  }
}

void append_examples_to_man(std::string& out, const Page& page) {
  if (page.examples.empty()) return;
  append_section(out, "EXAMPLES");
  for (const Example& example : page.examples) {
    out += ".PP\n";
    if (!example.comment.empty()) out += escaped(example.comment) + ":\n";
    out += ".PP\n.nf\n.RS\n" + escaped(example.command) + "\n.RE\n.fi\n";
  }
}

}  // namespace

std::string man_page(const Page& page) {
  const std::string name = joined_with_dashes(page.name);
  std::string out = ".TH " + escaped(upper_case(name)) + " 1 \"\" \"tps " TPS_VERSION "\" \"TPS\"\n";
  append_section(out, "NAME");
  out += escaped(name) + " \\- " + escaped(page.summary) + "\n";
  append_section(out, "SYNOPSIS");
  out += ".B " + escaped(usage_of(page)) + "\n";
  append_section(out, "DESCRIPTION");
  out += escaped(page.summary) + ".\n";
  for (const std::string& note : page.notes) out += ".PP\n" + escaped(note) + "\n";
  if (!page.commands.empty()) append_section(out, "COMMANDS");
  for (const Page& command : page.commands) append_tagged(out, command.word(), command.summary);
  if (!page.arguments.empty()) append_section(out, "ARGUMENTS");
  for (const OptionLine& argument : page.arguments) append_tagged(out, argument.name, description_of(argument));
  append_options_to_man(out, page);
  append_examples_to_man(out, page);
  if (!page.exit_codes.empty()) {
    append_section(out, "EXIT STATUS");
    out += escaped(page.exit_codes) + ".\n";
  }
  return out;
}

int print_man_page(const Page& page) {
  fmt::print("{}", man_page(page));
  return kExitOk;
}

}  // namespace tps
