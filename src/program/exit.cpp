#include "program/exit.hpp"

#include "ops/log.hpp"

namespace tps {

int fail(const std::string& text, int code) {
  ops::say("tps: " + text + "\n");
  return code;
}

}  // namespace tps
