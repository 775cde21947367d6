#include "adapters/postgres_store.hpp"

#include <algorithm>

#include "adapters/migration.hpp"
#include "adapters/postgres_append.hpp"
#include "adapters/postgres_dsn.hpp"
#include "adapters/postgres_read.hpp"
#include "adapters/postgres_settle.hpp"
#include "adapters/storable.hpp"
#include "embedded/postgres_migrations.hpp"

namespace tps::adapters {

using domain::Acceptance;
using domain::Submission;
using service::Deadline;
using service::StoreFault;
using service::StoreResult;

namespace {

constexpr PostgresStatement kPing{
    "ping",
    "SELECT schema, min_binary, pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean FROM store"};

constexpr std::chrono::milliseconds kFarewell{200};

std::unexpected<StoreFault> unavailable(const char* detail) {
  return std::unexpected(StoreFault{StoreFault::Kind::unavailable, detail});
}

}  // namespace

bool is_postgres_url(const std::string& url) { return postgres_keywords(url).has_value(); }

PostgresStore::PostgresStore(const PostgresOptions& options, const domain::Currencies& currencies,
                             ops::Metrics& metrics)
    : session_(options, currencies, metrics) {}

// A settlement under way is given up at once, so that another worker need not wait until the server notices.
PostgresStore::~PostgresStore() {
  if (settling_) session_.connection.roll_back(std::chrono::steady_clock::now() + kFarewell);
}

StoreResult<void> PostgresStore::ready(Deadline deadline) {
  if (settling_) session_.connection.roll_back(deadline);
  settling_.reset();
  return session_.ready(deadline);
}

template <class Read>
auto PostgresStore::reading(Deadline deadline, Read read) -> StoreResult<typename decltype(read())::value_type> {
  for (bool again = true;; again = false) {
    if (auto usable = ready(deadline); !usable) return std::unexpected(usable.error());
    auto answer = read();
    if (answer) return std::move(*answer);
    recover(session_.connection, answer.error(), deadline);
    if (!again || answer.error().kind != PostgresFault::Kind::lost) return std::unexpected(told(answer.error()));
  }
}

StoreResult<service::StoreIdentity> PostgresStore::open(Deadline deadline) {
  session_.connection.close();
  settling_.reset();
  if (auto usable = session_.ready(deadline); !usable) return std::unexpected(usable.error());
  return *session_.identity;
}

void PostgresStore::append(std::span<Submission* const> flight, domain::Timestamp now, Deadline deadline) {
  refuse_unstorable(flight, session_.currencies);
  std::vector<Submission*> undecided;
  undecided.reserve(flight.size());
  std::ranges::copy_if(flight, std::back_inserter(undecided),
                       [](const Submission* item) { return item->acceptance == Acceptance::undecided; });
  if (undecided.empty()) return;
  if (settling_) session_.connection.roll_back(deadline);
  settling_.reset();
  postgres_append(session_, undecided, now, deadline);
}

StoreResult<std::optional<domain::SettlementInput>> PostgresStore::next(std::uint32_t partition, std::size_t max,
                                                                        Deadline deadline) {
  if (auto usable = ready(deadline); !usable) return std::unexpected(usable.error());
  if (partition >= session_.identity->partitions) return unavailable("there is no such partition");
  bool& idle = idle_[partition];
  if (idle) {
    // Looking without the lock costs neither a transaction id nor WAL, a hundred times a second.
    const auto pending = postgres_has_pending(session_, partition, deadline);
    if (!pending) return std::unexpected(pending.error());
    if (!*pending) return domain::SettlementInput{};
  }
  auto input = postgres_next(session_, partition, max, deadline);
  idle = input && *input && (*input)->transactions.empty();
  if (input && *input && !(*input)->transactions.empty()) settling_ = partition;
  return input;
}

StoreResult<void> PostgresStore::record(std::uint32_t partition, const domain::SettlementOutput& output,
                                        Deadline deadline) {
  if (settling_ != partition) return unavailable("record() without next()");
  settling_.reset();
  if (output.settlements.empty()) {
    session_.connection.roll_back(deadline);
    return {};
  }
  return postgres_record(session_, partition, output, deadline);
}

StoreResult<std::vector<std::optional<domain::Transaction>>> PostgresStore::find(std::span<const std::int64_t> ids,
                                                                                 Deadline deadline) {
  return reading(deadline, [&] { return postgres_find(session_, ids, deadline); });
}

StoreResult<service::ListPage> PostgresStore::list(const service::ListQuery& query, Deadline deadline) {
  return reading(deadline, [&] { return postgres_list(session_, query, deadline); });
}

StoreResult<std::vector<service::Balance>> PostgresStore::balances(std::uint32_t partition, const std::string& user_id,
                                                                   Deadline deadline) {
  return reading(deadline, [&] { return postgres_balances(session_, partition, user_id, deadline); });
}

StoreResult<service::Store::Backlog> PostgresStore::backlog(std::uint32_t partition, Deadline deadline) {
  return reading(deadline, [&] { return postgres_backlog(session_, partition, deadline); });
}

StoreResult<void> PostgresStore::ping(Deadline deadline) {
  static const std::vector<Migration> kMigrations = migrations(embedded::postgres_migrations);
  auto answer = reading(deadline, [&]() -> PostgresAnswer<std::vector<PostgresResult>> {
    session_.connection.queue(kPing);
    return session_.connection.fly(deadline);
  });
  if (!answer) return std::unexpected(answer.error());
  const PostgresResult& store = answer->front();
  std::optional<SchemaVersion> version;
  if (store.rows() == 1) version = SchemaVersion{store.integer<std::int32_t>(0, 0), store.integer<std::int32_t>(0, 1)};
  if (auto refusal = incompatibility(kMigrations, version)) {
    return std::unexpected(StoreFault{StoreFault::Kind::incompatible, std::move(*refusal)});
  }
  if (!store.boolean(0, 2)) return {};
  session_.connection.close();  // a standby now; the primary may be another host
  return unavailable("the database is read-only");
}

StoreResult<std::vector<service::Balance>> PostgresStore::balances_at(std::uint32_t, const std::string&,
                                                                      domain::Timestamp, Deadline) {
  return std::unexpected(StoreFault{StoreFault::Kind::unavailable, "not built yet"});
}
StoreResult<service::Statement> PostgresStore::statement(const service::StatementQuery&, Deadline) {
  return std::unexpected(StoreFault{StoreFault::Kind::unavailable, "not built yet"});
}
StoreResult<std::vector<domain::Transaction>> PostgresStore::expired_holds(std::uint32_t, domain::Timestamp,
                                                                           std::size_t, Deadline) {
  return std::vector<domain::Transaction>{};
}
StoreResult<service::LedgerFigures> PostgresStore::figures(Deadline) {
  return std::unexpected(StoreFault{StoreFault::Kind::unavailable, "not built yet"});
}

}  // namespace tps::adapters
