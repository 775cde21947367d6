#include "commands/config.hpp"

#include <fmt/format.h>

#include <string>

#include "program/exit.hpp"
#include "wire/json_writer.hpp"
#include "wire/utf8.hpp"

namespace tps {
namespace {

void print_config_json(const Config& config) {
  std::string out = "{";
  for (const Setting& setting : settings()) {
    const std::string shown = config.shown(setting);
    const std::string& source = config.value(setting.name).source;
    out += out.ends_with('{') ? "\n  " : ",\n  ";
    wire::append_string(out, setting.name);
    out += ": {";
    wire::append_member(out, "value", wire::is_utf8(shown) ? shown : "(not UTF-8)");
    wire::append_member(out, "source", wire::is_utf8(source) ? source : "(not UTF-8)");
    out += '}';
  }
  fmt::print("{}\n}}\n", out);
}

void print_config_table(const Config& config) {
  for (const Setting& setting : settings()) {
    const std::string shown = config.shown(setting);
    fmt::print("{:<22} {:<28} {:<12} {}\n", setting.name, shown.empty() ? "-" : shown, setting.unit,
               config.value(setting.name).source);
  }
}

}  // namespace

int show_config(const Config& config, bool json) {
  if (json) {
    print_config_json(config);
  } else {
    print_config_table(config);
  }
  return kExitOk;
}

}  // namespace tps
