#include "adapters/postgres/session.hpp"

#include "adapters/postgres/epoch.hpp"
#include "embedded/postgres_migrations.hpp"

namespace tps::postgres {
namespace {

using ports::StoreFault;
using ports::StoreResult;

constexpr std::string_view kUndefinedTable = "42P01";

constexpr Statement kIdentity{
    nullptr,
    "SELECT store_id::text, schema, min_binary, partitions, has_column_privilege('store', 'cache_secret', 'SELECT'),"
    " coalesce(has_function_privilege(to_regprocedure('end_partition_holder(smallint)'), 'EXECUTE'), false),"
    " coalesce(has_function_privilege(to_regprocedure('end_reader_holder(smallint)'), 'EXECUTE'), false) FROM store"};
// The API's alone, for its cache; so a privilege of its own.
constexpr Statement kCacheSecret{nullptr, "SELECT cache_secret FROM store"};
constexpr Statement kCurrencies{nullptr, "SELECT code, exponent FROM currencies"};

StoreFault incompatible(std::string detail) { return {StoreFault::Kind::incompatible, std::move(detail)}; }

}  // namespace

Session::Session(const Options& options, const domain::Currencies& known, ops::Metrics& metrics)
    : connection(options, metrics),
      compare_clock(options.compare_clock),
      currencies(known),
      history(options.history),
      records_epochs(options.records_epochs) {}

// Closes a connection that may lead to another history than the process serves now.
bool Session::is_usable() {
  if (connection.connected() && generation != history->generation()) connection.close();
  return connection.connected();
}

StoreResult<void> Session::ready(ports::Deadline deadline) {
  if (std::chrono::steady_clock::now() >= deadline) {
    return std::unexpected(StoreFault{StoreFault::Kind::unavailable, "the deadline has passed"});
  }
  if (is_usable()) return {};
  if (auto connected = connection.connect(deadline); !connected) return std::unexpected(store_fault(connected.error()));
  return check(deadline);
}

StoreResult<void> Session::ready_patiently(ports::Deadline deadline) {
  if (is_usable()) return {};
  if (auto connected = connection.connect_patiently(deadline); !connected) {
    return std::unexpected(store_fault(connected.error()));
  }
  return check(deadline);
}

StoreResult<void> Session::check(ports::Deadline deadline) {
  connection.queue(kIdentity);
  connection.queue(kCurrencies);
  auto results = connection.fly(deadline);
  if (!results) {
    connection.close();
    if (results.error().sqlstate != kUndefinedTable) return std::unexpected(store_fault(results.error()));
    return std::unexpected(incompatible(*adapters::incompatibility(known_migrations(), std::nullopt)));
  }
  const Result& store = (*results)[0];
  const Result& recorded = (*results)[1];
  if (auto refusal = schema_refusal(store, 1)) {
    connection.close();
    return std::unexpected(std::move(*refusal));
  }
  recorded_currencies.clear();  // another server may be behind than the last one
  for (int row = 0; row < recorded.rows(); ++row) {
    const domain::Currency* configured = currencies.find(recorded.text(row, 0));
    if (configured == nullptr || configured->exponent != recorded.int2(row, 1)) {
      connection.close();
      return std::unexpected(
          incompatible(adapters::currency_mismatch(recorded.text(row, 0), recorded.int2(row, 1), configured)));
    }
    recorded_currencies.emplace(recorded.text(row, 0));
  }
  identity = ports::StoreIdentity{.store_id = std::string(store.text(0, 0)),
                                  .schema = store.integer<std::int32_t>(0, 1),
                                  .partitions = static_cast<std::uint32_t>(store.int2(0, 3)),
                                  .cache_secret = {}};
  may_see_cache_secret = store.boolean(0, 4);
  may_end_partition_holder = store.boolean(0, 5);
  may_end_reader_holder = store.boolean(0, 6);
  return look_at_epoch(deadline);
}

StoreResult<void> Session::look_at_epoch(ports::Deadline deadline) {
  const auto epoch = settle_epoch(connection, *history, records_epochs, deadline);
  if (!epoch) {
    connection.close();
    return std::unexpected(store_fault(epoch.error()));
  }
  if (epoch->foreign) {
    connection.close();
    return std::unexpected(
        incompatible("the log lacks transactions that were in it, and this login may not record that: run `tps "
                     "migrate`, then start this process again"));
  }
  identity->epoch = epoch->epoch;
  identity->run = epoch->run;
  if (epoch->standby) {
    generation = history->generation();
    return {};
  }
  const ports::History::Found found = history->found(*identity);
  generation = found.generation;
  if (found.change != ports::History::Change::another_store) return {};
  connection.close();
  return std::unexpected(incompatible(
      fmt::format("another store answers at this address (store_id {}): start this process again to serve it",
                  identity->store_id)));
}

StoreResult<ports::StoreIdentity> Session::open(ports::Deadline deadline) {
  connection.close();
  if (auto usable = ready(deadline); !usable) return std::unexpected(usable.error());
  ports::StoreIdentity opened = *identity;
  if (!may_see_cache_secret) return opened;
  connection.queue(kCacheSecret);
  auto results = connection.fly(deadline);
  if (!results) {
    connection.close();
    return std::unexpected(store_fault(results.error()));
  }
  const std::string_view secret = results->front().text(0, 0);
  opened.cache_secret.assign(secret.begin(), secret.end());
  return opened;
}

const std::vector<adapters::Migration>& known_migrations() {
  static const std::vector<adapters::Migration> kMigrations = adapters::migrations(embedded::postgres_migrations);
  return kMigrations;
}

std::optional<StoreFault> schema_refusal(const Result& rows, int column) {
  std::optional<adapters::SchemaVersion> version;
  if (rows.rows() > 0) {
    version = adapters::SchemaVersion{rows.integer<std::int32_t>(0, column), rows.integer<std::int32_t>(0, column + 1)};
  }
  auto refusal = adapters::incompatibility(known_migrations(), version);
  if (!refusal) return std::nullopt;
  return incompatible(std::move(*refusal));
}

void recover(Connection& connection, const Fault& fault, ports::Deadline deadline) {
  const bool about_us = fault.about_a_value() || fault.worth_repeating() || fault.sqlstate == "55P03";
  if (fault.kind == Fault::Kind::refused && about_us) {
    connection.roll_back(deadline);
  } else {
    connection.close();
  }
}

}  // namespace tps::postgres
