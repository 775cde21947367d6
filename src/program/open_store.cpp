#include "program/open_store.hpp"

#include <cstdlib>
#include <future>
#include <utility>

#include "ops/log.hpp"
#include "program/exit.hpp"
#include "program/signals.hpp"

namespace tps {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kOpenBudget{5};
constexpr std::chrono::seconds kOpenPatience{60};
constexpr milliseconds kOpenRetryPause{200};
constexpr milliseconds kSignalPoll{2};
constexpr std::chrono::seconds kMigrationRetry{3};  // the pause before the next attempt on tables in use

struct Ended {};  // asked to end while waiting

// A server that starts together with its database waits a minute for it. Waiting does not help an incompatible schema.
std::expected<ports::StoreResult<ports::StoreIdentity>, Ended> open_patiently(ports::Store& session) {
  const auto give_up = steady_clock::now() + kOpenPatience;
  bool logged = false;
  while (true) {
    auto identity = open_once(session);
    if (identity || identity.error().kind == ports::StoreFault::Kind::incompatible) return identity;
    if (steady_clock::now() > give_up) {
      identity.error().detail =
          "gave up after " + std::to_string(kOpenPatience.count()) + " s: " + identity.error().detail;
      return identity;
    }
    if (!logged) ops::log(ops::Level::warn, "waiting for the database", {{"detail", identity.error().detail}});
    logged = true;
    if (wait_for_end(kOpenRetryPause)) return std::unexpected(Ended{});
  }
}

// A signal ends the process during the migration: the database rolls the migration back, after the statement that it is
// executing.
std::expected<void, std::string> migrate_first(const Engine& engine) {
  const auto give_up = steady_clock::now() + kMigrationPatience;
  auto migrating = std::async(std::launch::async, [&engine] { return engine.migrate(kMigrationPatience); });
  while (migrating.wait_for(kSignalPoll) != std::future_status::ready) {
    if (!wait_for_end(milliseconds(0))) continue;
    ops::log(ops::Level::warn, "ended by a signal during the migration");
    ops::flush_log();
    std::_Exit(kExitOk);
  }
  auto migrated = migrating.get();
  if (!migrated && steady_clock::now() > give_up - kMigrationRetry) {
    migrated.error() += "; a starting server gives a migration 60 s, `tps migrate` gives it more";
  }
  return migrated;
}

}  // namespace

ports::StoreResult<ports::StoreIdentity> open_once(ports::Store& session) {
  return session.open(steady_clock::now() + kOpenBudget);
}

std::expected<ports::StoreIdentity, int> open_store(const Settings& settings, const Engine& engine,
                                                    ports::Store& session) {
  const bool on_demand = !engine.migrates_itself && settings.migrate;
  if (on_demand && !open_patiently(session)) return std::unexpected(kExitOk);
  if (on_demand || engine.migrates_itself) {
    if (const auto migrated = migrate_first(engine); !migrated) return std::unexpected(fail(migrated.error()));
  }
  auto opened = open_patiently(session);
  if (!opened) return std::unexpected(kExitOk);
  if (!*opened) return std::unexpected(fail(opened->error().detail));
  if (const auto fits = check_partitions(settings.partitions, **opened); !fits) {
    return std::unexpected(fail(fits.error()));
  }
  return std::move(**opened);
}

std::expected<void, std::string> check_partitions(const Partitions& asked, const ports::StoreIdentity& store) {
  if (!asked.chosen || asked.count == store.partitions) return {};
  return std::unexpected("partitions: this database has " + std::to_string(store.partitions) +
                         ", fixed by its first migration, not " + std::to_string(asked.count));
}

}  // namespace tps
