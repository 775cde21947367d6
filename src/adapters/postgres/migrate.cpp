#include "adapters/postgres/migrate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <thread>

#include "adapters/migration.hpp"
#include "adapters/postgres/epoch.hpp"
#include "adapters/postgres/session.hpp"
#include "embedded/postgres_roles.hpp"
#include "ops/log.hpp"
#include "ports/fault.hpp"

namespace tps::postgres {
namespace {

using ports::Deadline;
using Outcome = std::expected<void, Fault>;

constexpr std::chrono::milliseconds kRetryPause{100};
// A session that waits for a table makes all later ones wait behind it, so: not for long, and not often.
constexpr std::chrono::milliseconds kPauseInUse{3000};
constexpr std::chrono::seconds kConnectPatience{60};

constexpr Statement kHasStore{nullptr, "SELECT to_regclass('store') IS NOT NULL"};
// Less than what a submission waits for its lock, so that none is refused because a migration waits, say for a dump.
constexpr Statement kDoNotWaitLong{nullptr, "SET LOCAL lock_timeout = '1s'"};
// Others that migrate wait here, and see afterwards what was done. Reading goes on: by that, instances know that they
// are ready.
constexpr Statement kLockStore{nullptr, "LOCK TABLE store IN SHARE ROW EXCLUSIVE MODE"};
constexpr Statement kSchemaVersion{nullptr, "SELECT schema, min_binary FROM store"};
constexpr Statement kCreateStore{nullptr,
                                 "INSERT INTO store (store_id, schema, min_binary, cache_secret, partitions)"
                                 " VALUES ($1::text::uuid, 0, 0, $2, $3)"};
constexpr Statement kCreatePartitions{
    nullptr, "INSERT INTO partitions (partition) SELECT generate_series(0, partitions - 1) FROM store"};
constexpr Statement kCreateReaders{nullptr,
                                   "INSERT INTO readers (partition, reader) SELECT partition, $1 FROM partitions"};
constexpr Statement kSetVersion{nullptr, "UPDATE store SET schema = $1::bigint, min_binary = $2::bigint"};

constexpr Statement kBeforeRoles{nullptr, "SAVEPOINT before_roles"};
constexpr Statement kUndoRoles{nullptr, "ROLLBACK TO SAVEPOINT before_roles"};

// Others do the same at the same time: to this database, or to roles, which all databases of a server share. Next time
// what they did is there. The last one is "tuple concurrently updated", which has no code of its own.
bool collided(const Fault& fault) {
  constexpr std::array<std::string_view, 4> kCollisions{"42P07", "42710", "23505", "XX000"};
  return fault.worth_repeating() || std::ranges::find(kCollisions, fault.sqlstate) != kCollisions.end();
}

// Another session holds a lock, such as a dump.
bool in_use(const Fault& fault) { return fault.sqlstate == "55P03" || fault.sqlstate == "40P01"; }

constexpr Statement kRights{
    nullptr,
    "SELECT coalesce((SELECT string_agg(name, ', ') FROM unnest(ARRAY['tps_owner', 'tps_api', 'tps_worker',"
    " 'tps_readonly'])"
    " AS names(name) WHERE to_regrole(name) IS NULL), ''),"
    " coalesce(has_function_privilege(to_regrole('tps_api'), to_regprocedure('end_partition_holder(smallint)'),"
    " 'EXECUTE'), false)"};

std::unexpected<Fault> refused(std::string why) {
  return std::unexpected(Fault{Fault::Kind::refused, "", std::move(why)});
}

Answer<Result> run(Connection& connection, const Statement& statement, Deadline deadline,
                   const Parameters& parameters = {}) {
  connection.queue(statement, parameters);
  auto results = connection.fly(deadline);
  if (!results) return std::unexpected(std::move(results.error()));
  return std::move(results->front());
}

Answer<std::optional<adapters::SchemaVersion>> recorded_version(Connection& connection, Deadline deadline) {
  auto has_store = run(connection, kHasStore, deadline);
  if (!has_store) return std::unexpected(has_store.error());
  if (!has_store->boolean(0, 0)) return std::nullopt;
  auto version = run(connection, kSchemaVersion, deadline);
  if (!version) return std::unexpected(version.error());
  if (version->rows() == 0) return refused("the table store is empty: this is not a database of tps");
  return adapters::SchemaVersion{version->integer<std::int32_t>(0, 0), version->integer<std::int32_t>(0, 1)};
}

// Locked only if there is something to do.
Answer<std::optional<adapters::SchemaVersion>> locked_version(Connection& connection, Deadline deadline) {
  if (auto set = run(connection, kDoNotWaitLong, deadline); !set) return std::unexpected(set.error());
  auto version = recorded_version(connection, deadline);
  if (!version || !*version || adapters::pending_migrations(known_migrations(), (*version)->schema).empty()) {
    return version;
  }
  if (auto locked = run(connection, kLockStore, deadline); !locked) return std::unexpected(locked.error());
  return recorded_version(connection, deadline);
}

Outcome fill(Connection& connection, std::uint32_t partitions, Deadline deadline) {
  const std::string id = adapters::new_store_id();
  const auto secret = adapters::new_cache_secret();
  Parameters store;
  Parameters readers;
  connection.queue(kCreateStore, store.add(std::string_view(id))
                                     .add(std::string_view(reinterpret_cast<const char*>(secret.data()), secret.size()))
                                     .add(static_cast<std::int16_t>(partitions)));
  connection.queue(kCreatePartitions);
  connection.queue(kCreateReaders, readers.add(adapters::kSettlementReader));
  auto done = connection.fly(deadline);
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

// The rights of the roles. Where a server refuses to grant them, the owner of the tables can still use them.
Outcome arrange_roles(Connection& connection, Deadline deadline) {
  if (auto marked = run(connection, kBeforeRoles, deadline); !marked) return std::unexpected(marked.error());
  auto arranged = connection.run_script(std::string(embedded::postgres_roles.front().content), deadline);
  if (arranged || arranged.error().kind != Fault::Kind::refused || collided(arranged.error()) ||
      in_use(arranged.error())) {
    return arranged;
  }
  ops::log(ops::Level::warn, "the rights of the roles are not as they should be",
           {{"detail", store_fault(arranged.error()).detail}});
  if (auto undone = run(connection, kUndoRoles, deadline); !undone) return std::unexpected(undone.error());
  return {};
}

// In one open transaction.
Outcome apply(Connection& connection, std::uint32_t partitions, Deadline deadline) {
  const auto version = locked_version(connection, deadline);
  if (!version) return std::unexpected(version.error());
  if (auto refusal = adapters::migration_refusal(known_migrations(), *version)) return refused(std::move(*refusal));
  const int schema = *version ? (*version)->schema : 0;
  for (const adapters::Migration& migration : adapters::pending_migrations(known_migrations(), schema)) {
    if (auto done = connection.run_script(std::string(migration.sql), deadline); !done) return done;
    if (migration.number == 1) {
      if (auto filled = fill(connection, partitions, deadline); !filled) return filled;
    }
    Parameters parameters;
    parameters.add(std::int64_t{migration.number}).add(std::int64_t{migration.min_binary});
    if (auto set = run(connection, kSetVersion, deadline, parameters); !set) return std::unexpected(set.error());
  }
  if (schema <= known_migrations().back().number) {
    if (auto recorded = record_epoch(connection, deadline); !recorded) return recorded;
  }
  // An older tps leaves alone the rights that a newer one has arranged.
  if (schema > known_migrations().back().number) return {};
  return arrange_roles(connection, deadline);
}

Outcome attempt(Connection& connection, std::uint32_t partitions, Deadline deadline) {
  const auto patience = std::min(deadline, std::chrono::steady_clock::now() + kConnectPatience);
  if (auto connected = connection.connect_patiently(patience); !connected) return connected;
  if (connection.parameter("server_encoding") != "UTF8") return refused("the database must have the encoding UTF8");
  if (auto begun = run(connection, kBegin, deadline); !begun) return std::unexpected(begun.error());
  auto applied = apply(connection, partitions, deadline);
  if (!applied) {
    connection.roll_back(deadline);
    return applied;
  }
  auto committed = run(connection, kCommit, deadline);
  if (!committed) return std::unexpected(committed.error());
  return {};
}

}  // namespace

std::expected<void, std::string> migrate(const Options& options, std::uint32_t partitions, Deadline deadline) {
  ops::Metrics metrics;
  Connection connection(options, metrics);
  for (;;) {
    const auto outcome = attempt(connection, partitions, deadline);
    if (outcome) return {};
    const auto pause = in_use(outcome.error()) ? kPauseInUse : kRetryPause;
    const bool again = in_use(outcome.error()) || collided(outcome.error());
    if (!again || std::chrono::steady_clock::now() + pause > deadline) {
      const bool denied = outcome.error().sqlstate == "42501";
      return std::unexpected(
          store_fault(outcome.error()).detail +
          (denied ? ": the login that migrates must own the tables or be a member of tps_owner" : ""));
    }
    if (in_use(outcome.error())) {
      ops::log(ops::Level::warn, "the migration waits for tables in use", {{"detail", outcome.error().detail}});
    }
    std::this_thread::sleep_for(pause);
  }
}

std::string rights_advice(const Options& options, Deadline deadline) {
  ops::Metrics metrics;
  Connection connection(options, metrics);
  if (auto connected = connection.connect(deadline); !connected) return "";
  const auto seen = run(connection, kRights, deadline);
  if (!seen) return "";
  const std::string_view missing = seen->text(0, 0);
  if (!missing.empty()) {
    return fmt::format(
        "the roles {} are not there, so nothing was granted to them: an administrator creates them (docs/roles.md), "
        "then run `tps migrate` again",
        missing);
  }
  if (seen->boolean(0, 1)) return "";
  return "no login may end a stuck session of another: an administrator grants pg_signal_backend and "
         "pg_read_all_stats to tps_owner, and tps_owner to this login (docs/roles.md), then run `tps migrate` again";
}

}  // namespace tps::postgres
