#include "commands/page.hpp"

#include <string_view>

namespace tps {

std::string usage_of(const Page& page) {
  std::string usage = page.name;
  if (!page.commands.empty()) return usage + " COMMAND [OPTIONS]";
  if (!page.groups.empty()) usage += " [OPTIONS]";
  for (const OptionLine& argument : page.arguments) {
    usage += argument.required ? " " + argument.name : " [" + argument.name + "]";
  }
  return usage;
}

std::string spelling_of(const OptionLine& option) {
  std::string text = option.short_name.empty() ? option.name : option.short_name + ", " + option.name;
  if (!option.opposite.empty()) text += ", " + option.opposite;
  return option.value.empty() ? text : text + " " + option.value;
}

std::string description_of(const OptionLine& option) {
  std::string text = option.meaning;
  for (std::size_t i = 0; i < option.choices.size(); ++i) {
    const std::string_view between = i + 1 == option.choices.size() ? " or " : ", ";
    text += i == 0 ? ": " : between;
    text += option.choices[i];
  }
  if (option.required) return text + " [required]";
  return option.fallback.empty() ? text : text + " [default: " + option.fallback + "]";
}

}  // namespace tps
