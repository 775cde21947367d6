// Every use of the store shares these: a connection to a database of ours, the statements that open and close a
// transaction, and the translation of faults for the service.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "adapters/migration.hpp"
#include "adapters/postgres/connection.hpp"
#include "domain/currency.hpp"
#include "ops/metrics.hpp"
#include "ports/store.hpp"

namespace tps::postgres {

struct Session {
  Session(const Options& options, const domain::Currencies& known, ops::Metrics& metrics);

  // Connects if needed, and checks the database behind each new connection: that it is the store that this process
  // began with, its schema, its currencies, its epoch. A connection that was checked for an earlier generation of the
  // history is made anew.
  ports::StoreResult<void> ready(ports::Deadline deadline);
  // The same, sitting out the pauses between attempts.
  ports::StoreResult<void> ready_patiently(ports::Deadline deadline);

  // Looks at the epoch of the connected database once more: a pooler between, or a promotion, can change it unnoticed.
  ports::StoreResult<void> look_at_epoch(ports::Deadline deadline);

  // Connects anew, and asks for the cache's secret, too, if this login may see it.
  ports::StoreResult<ports::StoreIdentity> open(ports::Deadline deadline);

  // Runs `read` on a usable session, and once more if the connection turns out to be dead: reads may be repeated.
  template <class Read>
  auto reading(ports::Deadline deadline, Read read) -> ports::StoreResult<typename decltype(read())::value_type>;

  Connection connection;
  const bool compare_clock;
  const domain::Currencies& currencies;
  const std::shared_ptr<ports::History> history;  // shared by all sessions of the process
  const bool records_epochs;
  std::uint64_t generation = 0;  // of the history, that the connection is good for
  // The database's answer when the connection was new; without the cache's secret.
  std::optional<ports::StoreIdentity> identity;
  // And the rights of this login.
  bool may_see_cache_secret = false;
  bool may_end_partition_holder = false;  // of another login
  bool may_end_reader_holder = false;
  // When it is next worth asking who holds a reader's lock.
  std::chrono::steady_clock::time_point next_look_at_readers{};
  // Partitions whose row of settlement was not there at the last look.
  std::set<std::uint32_t> lost_readers;
  // Currencies whose row is committed.
  std::set<std::string, std::less<>> recorded_currencies;

 private:
  [[nodiscard]] bool is_usable();
  ports::StoreResult<void> check(ports::Deadline deadline);
};

// Plans must not depend on statistics, which are stale while a log grows by a million rows a minute: always nested
// loops over indexes. JIT would cost more than any of our statements.
inline constexpr char kIndexSettings[] =
    "set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), "
    "set_config('enable_mergejoin', 'off', true), set_config('enable_bitmapscan', 'off', true), "
    "set_config('enable_material', 'off', true), set_config('jit', 'off', true)";
// And one plan per prepared statement, for good.
inline constexpr char kPlanSettings[] = "set_config('plan_cache_mode', 'force_generic_plan', true), ";

// statement_timeout is off because it would also end a COMMIT's wait for a synchronous standby, and the commit with it.
// idle_in_transaction_session_timeout takes the locks from an instance that stopped between two round trips.
inline constexpr char kSafetySettings[] =
    "set_config('synchronous_commit', 'on', true), set_config('lock_timeout', '2s', true), "
    "set_config('statement_timeout', '0', true), "
    "set_config('idle_in_transaction_session_timeout', '3s', true), ";

inline constexpr Statement kBegin{"begin", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"};
inline constexpr Statement kBeginSnapshot{"begin_snapshot", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"};
inline constexpr auto kWriteSettingsText = joined("SELECT ", kSafetySettings, kPlanSettings, kIndexSettings);
inline constexpr Statement kWriteSettings{"write_settings", kWriteSettingsText.data()};
// The client has its answer by then; the server need not go on reading.
inline constexpr char kReadLimit[] = "set_config('statement_timeout', '4s', true), ";
// A flight without BEGIN is one transaction all the same, so this holds for it and no longer.
inline constexpr auto kReadSettingsText = joined("SELECT ", kReadLimit, kPlanSettings, kIndexSettings);
inline constexpr Statement kReadSettings{"read_settings", kReadSettingsText.data()};
// For statements that are written for one query.
inline constexpr auto kAdHocSettingsText = joined("SELECT ", kReadLimit, kIndexSettings);
inline constexpr Statement kAdHocSettings{"ad_hoc_settings", kAdHocSettingsText.data()};
inline constexpr Statement kCommit{"commit", "COMMIT"};

// Every migration that this binary knows.
const std::vector<adapters::Migration>& known_migrations();

// Whether this binary may use the database whose row of the table `store` has `schema` and `min_binary` in these
// columns (the first of `rows`; none: it is empty). nullopt: it may.
std::optional<ports::StoreFault> schema_refusal(const Result& rows, int column);

// Keeps the connection when the fault leaves it usable, closes it when that is not certain.
void recover(Connection& connection, const Fault& fault, ports::Deadline deadline);

template <class Read>
auto Session::reading(ports::Deadline deadline, Read read)
    -> ports::StoreResult<typename decltype(read())::value_type> {
  for (bool again = true;; again = false) {
    if (auto usable = ready(deadline); !usable) return std::unexpected(usable.error());
    auto answer = read();
    if (answer) return std::move(*answer);
    recover(connection, answer.error(), deadline);
    if (!again || answer.error().kind != Fault::Kind::lost) return std::unexpected(store_fault(answer.error()));
  }
}

}  // namespace tps::postgres
