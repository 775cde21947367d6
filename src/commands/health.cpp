#include "commands/health.hpp"

#include <fmt/format.h>

#include <string>

#include "http/server/probe.hpp"
#include "program/exit.hpp"

namespace tps {

int health(const Settings& settings) {
  const auto status = http::probe_readiness(settings.server.listen, settings.server.tls);
  if (status == 200) {
    fmt::print("ready\n");
    return kExitOk;
  }
  return fail(http::text_of(settings.server.listen) + " is not ready (" +
              (status ? "status " + std::to_string(*status) : "no response") + ")");
}

}  // namespace tps
