#include "commands/completion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "program/exit.hpp"

namespace tps {
namespace {

// Every command below `page`, itself first.
void collect(const Page& page, std::vector<const Page*>& pages) {
  pages.push_back(&page);
  for (const Page& command : page.commands) collect(command, pages);
}

std::vector<const Page*> all_pages(const Page& program) {
  std::vector<const Page*> pages;
  collect(program, pages);
  return pages;
}

std::vector<const OptionLine*> options_of(const Page& page) {
  std::vector<const OptionLine*> options;
  for (const OptionGroup& group : page.groups) {
    for (const OptionLine& option : group.options) options.push_back(&option);
  }
  return options;
}

std::vector<std::string> spellings(const OptionLine& option) {
  std::vector<std::string> names{option.name};
  if (!option.opposite.empty()) names.push_back(option.opposite);
  if (!option.short_name.empty()) names.push_back(option.short_name);
  return names;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : std::string(between)) + word;
  return text;
}

// All words that may follow the command, but for values.
std::string words_after(const Page& page) {
  std::vector<std::string> words;
  words.reserve(page.commands.size());
  for (const Page& command : page.commands) words.push_back(command.word());
  for (const OptionLine& argument : page.arguments)
    words.insert(words.end(), argument.choices.begin(), argument.choices.end());
  for (const OptionLine* option : options_of(page)) {
    for (const std::string& name : spellings(*option)) words.push_back(name);
  }
  return joined(words, " ");
}

bool takes_file(const Page& page) { return std::ranges::any_of(page.arguments, &OptionLine::is_file); }

// In single quotes of a shell.
std::string in_quotes(std::string_view text, std::string_view quote_itself) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string(quote_itself) : std::string(1, c);
  return out + "'";
}

std::string name_of_function(const Page& page) {
  std::string name = "_";
  for (const char c : page.name) name += c == ' ' || c == '-' ? '_' : c;
  return name;
}

constexpr std::string_view kBashHead = R"(# Completion of tps for bash. Usage: source <(tps completion bash)
_tps() {
  local word command=tps option="" current=${COMP_WORDS[COMP_CWORD]} i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case "$command $word" in
)";
constexpr std::string_view kBashOption = R"(    esac
  done
  # "--name=value" is three words here.
  if [[ $current == = ]]; then
    current="" option=${COMP_WORDS[COMP_CWORD - 1]}
  elif [[ ${COMP_WORDS[COMP_CWORD - 1]} == = ]]; then
    option=${COMP_WORDS[COMP_CWORD - 2]}
  else
    option=${COMP_WORDS[COMP_CWORD - 1]}
  fi
  COMPREPLY=()
  case "$command $option" in
)";
constexpr std::string_view kBashWords = R"(  esac
  case "$command" in
)";
constexpr std::string_view kBashEnd = R"(  esac
}
complete -F _tps tps
)";

}  // namespace

std::string bash_completion(const Page& program) {
  const auto pages = all_pages(program);
  std::string out(kBashHead);
  for (const Page* page : pages) {
    if (page != &program) out += "      \"" + page->name + "\") command=\"" + page->name + "\" ;;\n";
  }
  out += kBashOption;
  for (const Page* page : pages) {
    for (const OptionLine* option : options_of(*page)) {
      if (option->value.empty()) continue;
      std::vector<std::string> patterns;
      for (const std::string& name : spellings(*option)) patterns.push_back("\"" + page->name + " " + name + "\"");
      out += "    " + joined(patterns, " | ") + ")\n      ";
      if (!option->choices.empty()) {
        out += "mapfile -t COMPREPLY < <(compgen -W \"" + joined(option->choices, " ") + "\" -- \"$current\")\n      ";
      } else if (option->is_file) {
        out += "compopt -o filenames 2>/dev/null\n      mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n      ";
      }
      out += "return ;;\n";
    }
  }
  out += kBashWords;
  for (const Page* page : pages) {
    out += "    \"" + page->name + "\") mapfile -t COMPREPLY < <(compgen -W \"" + words_after(*page) + "\"" +
           (takes_file(*page) ? " -f" : "") + " -- \"$current\") ;;\n";
  }
  return out + std::string(kBashEnd);
}

namespace {

// Of _arguments: '--name[meaning]:value:(choices)'.
std::string zsh_option(const OptionLine& option, const std::string& name) {
  std::string meaning;
  for (const char c : option.meaning) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') meaning += '\\';
    meaning += c;
  }
  std::string text = name + (!option.value.empty() && name.starts_with("--") ? "=" : "") + "[" + meaning + "]";
  if (!option.value.empty()) {
    text += ":" + option.value + ":";
    if (!option.choices.empty()) text += "(" + joined(option.choices, " ") + ")";
    if (option.is_file) text += "_files";
  }
  return in_quotes(text, "'\\''");
}

void append_zsh_command(std::string& out, const Page& page) {
  out += name_of_function(page) + "() {\n";
  std::string arguments;
  for (const OptionLine* option : options_of(page)) {
    for (const std::string& name : spellings(*option)) arguments += " \\\n    " + zsh_option(*option, name);
  }
  if (page.commands.empty()) {
    for (const OptionLine& argument : page.arguments) {
      const std::string action = argument.is_file ? "_files" : "(" + joined(argument.choices, " ") + ")";
      arguments += " \\\n    '" + std::string(argument.required ? ":" : "::") + argument.name + ":" + action + "'";
    }
    out += "  _arguments" + arguments + "\n}\n";
    return;
  }
  out += "  local context state line\n  local -a commands=(\n";
  for (const Page& command : page.commands) {
    out += "    " + in_quotes(command.word() + ":" + command.summary, "'\\''") + "\n";
  }
  out += "  )\n  _arguments -C" + arguments + " \\\n    '1:command:->command' '*::argument:->argument'\n";
  out += "  case $state in\n    command) _describe command commands ;;\n    argument)\n      case $words[1] in\n";
  for (const Page& command : page.commands) {
    out += "        " + command.word() + ") " + name_of_function(command) + " ;;\n";
  }
  out += "      esac ;;\n  esac\n}\n";
}

}  // namespace

std::string zsh_completion(const Page& program) {
  std::string out = "#compdef tps\n# Completion of tps for zsh. Usage: source <(tps completion zsh)\n";
  for (const Page* page : all_pages(program)) append_zsh_command(out, *page);
  return out + "compdef _tps tps\n";
}

namespace {

// Of "tps keys create": keys and create were typed.
std::string fish_condition(const Page& program, const Page& page) {
  if (&page == &program) return "__fish_use_subcommand";
  std::string condition;
  const std::string path = page.name.substr(program.name.size() + 1);
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find(' ', begin), path.size());
    condition += condition.empty() ? "" : "; and ";
    condition += "__fish_seen_subcommand_from " + path.substr(begin, end - begin);
    begin = end + 1;
  }
  return condition;
}

std::string fish_quoted(std::string_view text) { return in_quotes(text, "\\'"); }

void append_fish_option(std::string& out, const std::string& start, const OptionLine& option) {
  std::string line = start + " -l " + option.name.substr(2);
  if (!option.short_name.empty()) line += " -s " + option.short_name.substr(1);
  if (!option.choices.empty()) line += " -x -a " + fish_quoted(joined(option.choices, " "));
  if (!option.value.empty() && option.choices.empty()) line += option.is_file ? " -r -F" : " -x";
  out += line + " -d " + fish_quoted(option.meaning) + "\n";
  if (!option.opposite.empty()) out += start + " -l " + option.opposite.substr(2) + "\n";
}

}  // namespace

std::string fish_completion(const Page& program) {
  std::string out = "# Completion of tps for fish. Usage: tps completion fish | source\ncomplete -c tps -f\n";
  for (const Page* page : all_pages(program)) {
    const std::string start = "complete -c tps -n " + fish_quoted(fish_condition(program, *page));
    for (const Page& command : page->commands) {
      out += start + " -a " + command.word() + " -d " + fish_quoted(command.summary) + "\n";
    }
    for (const OptionLine& argument : page->arguments) {
      if (!argument.choices.empty()) out += start + " -a " + fish_quoted(joined(argument.choices, " ")) + "\n";
      if (argument.is_file) out += start + " -F\n";
    }
    for (const OptionLine* option : options_of(*page)) append_fish_option(out, start, *option);
  }
  return out;
}

int print_completion(const Page& program, const std::string& shell) {
  auto* script = fish_completion;
  if (shell == "bash") script = bash_completion;
  if (shell == "zsh") script = zsh_completion;
  fmt::print("{}", script(program));
  return kExitOk;
}

}  // namespace tps
