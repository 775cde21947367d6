#include "commands/hide_secrets.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "program/setting_table.hpp"

namespace tps {
namespace {

void blacken(char* text) { std::fill_n(text, std::strlen(text), '*'); }

bool is_secret(std::string_view name) {
  const Setting* setting = find_setting(name);
  return setting != nullptr && setting->secret;
}

}  // namespace

void hide_secrets(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word(argv[i]);
    if (!word.starts_with("--")) continue;
    const std::string_view name = word.substr(2, word.find('=') - 2);
    if (!is_secret(name)) continue;
    if (word.size() > name.size() + 2) {
      blacken(argv[i] + name.size() + 3);
    } else if (i + 1 < argc) {
      blacken(argv[++i]);
    }
  }
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable = std::string_view(*entry).substr(0, std::string_view(*entry).find('='));
    const auto name = setting_of_variable(variable);
    if (name && is_secret(*name)) blacken(*entry + variable.size() + 1);
  }
}

}  // namespace tps
