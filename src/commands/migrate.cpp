#include "commands/migrate.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "ops/metrics.hpp"
#include "program/engine.hpp"
#include "program/exit.hpp"
#include "program/open_store.hpp"

namespace tps {
namespace {

// A migration may have to wait for a dump of the whole database to end.
constexpr std::chrono::minutes kMigrationBudget{25};

}  // namespace

int migrate(const Settings& settings) {
  ops::Metrics metrics;
  const auto engine = make_engine(settings, metrics);
  if (!engine) return fail(engine.error());
  if (const auto migrated = engine->migrate(kMigrationBudget); !migrated) return fail(migrated.error());
  const auto session = engine->session();
  const auto store = open_once(*session);
  if (!store) return fail(store.error().detail);
  if (const auto fits = check_partitions(settings.partitions, *store); !fits) return fail(fits.error());
  fmt::print("{} at {} has schema {}, {} partition{}\n", engine->name, engine->where, store->schema, store->partitions,
             store->partitions == 1 ? "" : "s");
  if (const std::string advice = engine->advice(); !advice.empty()) fmt::print(stderr, "tps: {}\n", advice);
  return kExitOk;
}

}  // namespace tps
