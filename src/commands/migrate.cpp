// The commands that look at a configuration, a schema or a password and end.
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <iostream>

#include "auth/password.hpp"
#include "commands/commands.hpp"
#include "ops/metrics.hpp"
#include "program/engine.hpp"
#include "program/exit.hpp"
#include "program/startup.hpp"

namespace tps {
namespace {

// A migration may have to wait for a dump of the whole database to end.
constexpr std::chrono::minutes kMigrationBudget{25};

}  // namespace

int migrate(const Config& config) {
  const auto currencies = prepare(config);
  if (!currencies) return fail(currencies.error(), kExitUsage);
  ops::Metrics metrics;
  const auto engine = make_engine(config, *currencies, metrics);
  if (!engine) return fail(engine.error());
  if (const auto migrated = engine->migrate(kMigrationBudget); !migrated) return fail(migrated.error());
  const auto session = engine->session();
  const auto store = open_once(*session);
  if (!store) return fail(store.error().detail);
  if (const auto fits = check_partitions(config, *store); !fits) return fail(fits.error());
  fmt::print("{} at {} has schema {}, {} partition{}\n", engine->name, engine->where, store->schema, store->partitions,
             store->partitions == 1 ? "" : "s");
  if (const std::string advice = engine->advice(); !advice.empty()) fmt::print(stderr, "tps: {}\n", advice);
  return kExitOk;
}

int hash_password() {
  const bool asks = isatty(STDIN_FILENO) != 0;
  termios shown{};
  if (asks) {
    std::cerr << "Password: ";
    tcgetattr(STDIN_FILENO, &shown);
    termios hidden = shown;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  }
  std::string password;
  std::getline(std::cin, password);
  if (asks) {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    std::cerr << '\n';
  }
  constexpr std::size_t kLeastBytes = 8;
  if (password.size() < kLeastBytes || password.size() > auth::kMaxPasswordBytes) {
    return fail("a password has 8 to 1024 bytes", kExitUsage);
  }
  fmt::print("{}\n", auth::hash_password(password));
  return kExitOk;
}

int show_config(const Config& config, bool json) {
  const auto quoted = [](std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + "\"";
  };
  if (json) fmt::print("{{");
  bool first = true;
  for (const Setting& setting : settings()) {
    const std::string shown = config.shown(setting);
    const std::string& source = config.value(setting.name).source;
    if (json) {
      fmt::print("{}\n  {}: {{\"value\": {}, \"source\": {}}}", first ? "" : ",", quoted(setting.name), quoted(shown),
                 quoted(source));
    } else {
      fmt::print("{:<20} {:<28} {:<12} {}\n", setting.name, shown.empty() ? "-" : shown, setting.unit, source);
    }
    first = false;
  }
  if (json) fmt::print("\n}}\n");
  return kExitOk;
}

}  // namespace tps
