#include "adapters/sqlite/schema.hpp"

#include <fmt/format.h>

#include "adapters/sqlite/epoch.hpp"
#include "embedded/sqlite_migrations.hpp"
#include "ports/store.hpp"

namespace tps::sqlite {
namespace {

using ports::StoreFault;
using ports::StoreIdentity;
using ports::StoreResult;

const std::vector<adapters::Migration>& known_migrations() {
  static const std::vector<adapters::Migration> kMigrations = adapters::migrations(embedded::sqlite_migrations);
  return kMigrations;
}

StoreFault incompatible(std::string detail) { return {StoreFault::Kind::incompatible, std::move(detail)}; }

constexpr std::string_view kHasStore = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'store'";
constexpr std::string_view kSchemaVersion = "SELECT schema, min_binary FROM store";

// nullopt: the file has no schema yet.
StoreResult<std::optional<adapters::SchemaVersion>> read_version(Connection& connection) {
  {
    Use use(connection.statement(kHasStore));
    const int code = use->step();
    if (code == SQLITE_DONE) return std::nullopt;
    if (code != SQLITE_ROW) return std::unexpected(connection.fault(code));
  }
  Use use(connection.statement(kSchemaVersion));
  const int code = use->step();
  if (code == SQLITE_ROW) {
    return adapters::SchemaVersion{.schema = static_cast<int>(use->integer(0)),
                                   .min_binary = static_cast<int>(use->integer(1))};
  }
  if (code == SQLITE_DONE || code == SQLITE_ERROR)
    return std::unexpected(incompatible("the database is not one of tps"));
  return std::unexpected(connection.fault(code));
}

constexpr std::string_view kCreateStore =
    "INSERT INTO store (only_row, store_id, schema, min_binary, cache_secret, partitions)"
    " VALUES (1, ?1, 0, 0, ?2, ?3)";
constexpr std::string_view kCreatePartition = "INSERT INTO partitions (partition) VALUES (?1)";
constexpr std::string_view kCreateReader = "INSERT INTO readers (reader, partition) VALUES (?1, ?2)";

int create_store(Connection& writer, std::uint32_t partitions) {
  const std::string store_id = adapters::new_store_id();
  const std::array<std::uint8_t, 32> secret = adapters::new_cache_secret();
  Use store(writer.statement(kCreateStore));
  store->bind(1, store_id);
  store->bind(2, secret);
  store->bind(3, std::int64_t{partitions});
  if (const int code = store->step(); code != SQLITE_DONE) return code;
  for (std::uint32_t partition = 0; partition < partitions; ++partition) {
    Use lock_row(writer.statement(kCreatePartition));
    lock_row->bind(1, std::int64_t{partition});
    if (const int code = lock_row->step(); code != SQLITE_DONE) return code;
    Use reader(writer.statement(kCreateReader));
    reader->bind(1, adapters::kSettlementReader);
    reader->bind(2, std::int64_t{partition});
    if (const int code = reader->step(); code != SQLITE_DONE) return code;
  }
  return SQLITE_OK;
}

constexpr std::string_view kSetVersion = "UPDATE store SET schema = ?1, min_binary = ?2";

int apply(Connection& writer, const adapters::Migration& migration, std::uint32_t partitions) {
  if (const int code = writer.run_script(std::string(migration.sql)); code != SQLITE_OK) return code;
  if (migration.number == 1) {
    if (const int code = create_store(writer, partitions); code != SQLITE_OK) return code;
  }
  Use use(writer.statement(kSetVersion));
  use->bind(1, std::int64_t{migration.number});
  use->bind(2, std::int64_t{migration.min_binary});
  const int code = use->step();
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

constexpr std::string_view kIdentity = "SELECT store_id, schema, partitions, cache_secret FROM store";
constexpr std::string_view kPartitions = "SELECT partitions FROM store";
constexpr std::string_view kCurrencies = "SELECT code, exponent FROM currencies ORDER BY code";

StoreResult<void> check_currencies(Connection& reader, const domain::Currencies& currencies) {
  Use use(reader.statement(kCurrencies));
  int code = SQLITE_OK;
  while ((code = use->step()) == SQLITE_ROW) {
    const std::string_view name = use->text(0);
    const auto recorded = static_cast<int>(use->integer(1));
    const domain::Currency* configured = currencies.find(name);
    if (configured == nullptr || configured->exponent != recorded) {
      return std::unexpected(incompatible(adapters::currency_mismatch(name, recorded, configured)));
    }
  }
  if (code != SQLITE_DONE) return std::unexpected(reader.fault(code));
  return {};
}

}  // namespace

std::expected<void, std::string> migrate(Connection& writer, std::uint32_t partitions) {
  if (partitions == 0 || partitions > domain::kMaxPartitions) {
    return std::unexpected(
        fmt::format("a database has 1 to {} partitions, not {}", domain::kMaxPartitions, partitions));
  }
  DatabaseTransaction transaction(writer, DatabaseTransaction::Kind::write);
  if (transaction.begin_code() != SQLITE_OK) return std::unexpected(writer.fault(transaction.begin_code()).detail);
  const auto version = read_version(writer);
  if (!version) return std::unexpected(version.error().detail);
  if (const auto refusal = adapters::migration_refusal(known_migrations(), *version)) return std::unexpected(*refusal);
  const int schema = *version ? (*version)->schema : 0;
  const std::span<const adapters::Migration> pending = adapters::pending_migrations(known_migrations(), schema);
  if (pending.empty()) return {};
  for (const adapters::Migration& migration : pending) {
    if (const int code = apply(writer, migration, partitions); code != SQLITE_OK) {
      return std::unexpected(
          fmt::format("migration {:04} {}: {}", migration.number, migration.name, writer.fault(code).detail));
    }
  }
  const auto committed = transaction.commit([&]() -> std::optional<bool> {
    const auto now = read_version(writer);
    if (!now) return std::nullopt;
    return *now && (*now)->schema > schema;
  });
  if (!committed) return std::unexpected(committed.error().detail);
  return {};
}

std::string refusal_of_copy(Connection& connection) {
  const auto version = read_version(connection);
  if (!version) return version.error().detail;
  if (!*version) return "the file is no database of tps";
  return adapters::migration_refusal(known_migrations(), *version).value_or("");
}

StoreResult<std::uint32_t> partitions_of(Connection& connection) {
  Use use(connection.statement(kPartitions));
  if (const int code = use->step(); code != SQLITE_ROW) return std::unexpected(connection.fault(code));
  return static_cast<std::uint32_t>(use->integer(0));
}

StoreResult<StoreIdentity> read_identity(Connection& reader, const domain::Currencies& currencies) {
  const DatabaseTransaction snapshot(reader, DatabaseTransaction::Kind::read);
  if (snapshot.begin_code() != SQLITE_OK) return std::unexpected(reader.fault(snapshot.begin_code()));
  const auto version = read_version(reader);
  if (!version) return std::unexpected(version.error());
  if (auto reason = adapters::incompatibility(known_migrations(), *version))
    return std::unexpected(incompatible(*reason));
  if (auto checked = check_currencies(reader, currencies); !checked) return std::unexpected(checked.error());
  Use use(reader.statement(kIdentity));
  if (const int code = use->step(); code != SQLITE_ROW) return std::unexpected(reader.fault(code));
  StoreIdentity identity;
  identity.store_id = use->text(0);
  identity.schema = static_cast<int>(use->integer(1));
  identity.partitions = static_cast<std::uint32_t>(use->integer(2));
  const std::span<const std::uint8_t> secret = use->blob(3);
  identity.cache_secret.assign(secret.begin(), secret.end());
  const auto epoch = newest_epoch(reader);
  if (!epoch) return std::unexpected(epoch.error());
  identity.epoch = epoch->id;
  return identity;
}

}  // namespace tps::sqlite
