#include "commands/version.hpp"

#include <fmt/format.h>

#include <string>

#include "program/exit.hpp"
#include "wire/json_writer.hpp"

namespace tps {

int show_version(bool json) {
  if (json) {
    std::string out = "{";
    wire::append_member(out, "name", "tps");
    wire::append_member(out, "version", TPS_VERSION);
    fmt::print("{}}}\n", out);
  } else {
    fmt::print("tps {}\n", TPS_VERSION);
  }
  return kExitOk;
}

}  // namespace tps
