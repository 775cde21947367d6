#include "program/engine.hpp"

#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <utility>

#include "adapters/postgres/audit.hpp"
#include "adapters/postgres/key_registry.hpp"
#include "adapters/postgres/store.hpp"
#include "adapters/sqlite/audit.hpp"
#include "adapters/sqlite/key_registry.hpp"
#include "adapters/sqlite/store.hpp"

namespace tps {
namespace {

constexpr std::string_view kSqlitePrefix = "sqlite:";
constexpr std::chrono::seconds kAdviceBudget{5};

std::uint32_t partitions_of(const Config& config) { return static_cast<std::uint32_t>(config.number("partitions")); }

std::expected<Engine, std::string> sqlite_engine(const std::string& path, std::uint32_t partitions,
                                                 const domain::Currencies& currencies, Access access) {
  umask(S_IRWXG | S_IRWXO);  // people's balances are nobody else's business
  auto database = access == Access::full ? sqlite::Database::open(path) : sqlite::Database::open_to_read(path);
  if (!database) return std::unexpected(database.error());
  Engine engine;
  engine.name = "SQLite";
  engine.where = std::filesystem::absolute(path).string();
  engine.migrates_itself = access == Access::full;
  engine.session = [shared = *database, &currencies] { return std::make_unique<sqlite::Store>(shared, currencies); };
  engine.keys = [path, &currencies] { return std::make_unique<sqlite::KeyRegistry>(path, currencies); };
  engine.migrate = [shared = *database, partitions](auto) { return shared->migrate(partitions); };
  return engine;
}

postgres::Options postgres_options(const Config& config) {
  return {.url = config.text("database-url"), .prepared_statements = config.toggle("prepared-statements")};
}

Engine postgres_engine(const Config& config, const domain::Currencies& currencies, ops::Metrics& metrics) {
  const postgres::Options options = postgres_options(config);
  Engine engine;
  engine.name = "PostgreSQL";
  engine.where = without_password(options.url);
  engine.session = [options, &currencies, &metrics] {
    return std::make_unique<postgres::Store>(options, currencies, metrics);
  };
  engine.keys = [options, &currencies, &metrics] {
    return std::make_unique<postgres::KeyRegistry>(options, currencies, metrics);
  };
  engine.migrate = [options, partitions = partitions_of(config)](std::chrono::seconds budget) {
    return postgres::migrate_postgres(options, partitions, std::chrono::steady_clock::now() + budget);
  };
  engine.advice = [options] {
    return postgres::postgres_advice(options, std::chrono::steady_clock::now() + kAdviceBudget);
  };
  return engine;
}

// The path in a sqlite: URL; nullopt: the URL of a PostgreSQL server.
std::expected<std::optional<std::string>, std::string> path_of(const std::string& url) {
  if (url.starts_with(kSqlitePrefix)) {
    if (url.size() == kSqlitePrefix.size()) {
      return std::unexpected("database-url: sqlite: needs a path, such as sqlite:tps.db");
    }
    return url.substr(kSqlitePrefix.size());
  }
  if (url.starts_with("postgresql://") || url.starts_with("postgres://")) {
    // The library's own sentence would quote the URL, password and all.
    if (!postgres::is_postgres_url(url)) return std::unexpected("database-url: not a valid PostgreSQL URL");
    return std::nullopt;
  }
  // Only the scheme is repeated: what follows may be a password.
  return std::unexpected("database-url: expected sqlite:PATH or postgresql://..., not " + url.substr(0, url.find(':')) +
                         ":...");
}

}  // namespace

std::expected<Engine, std::string> make_engine(const Config& config, const domain::Currencies& currencies,
                                               ops::Metrics& metrics, Access access) {
  const auto path = path_of(config.text("database-url"));
  if (!path) return std::unexpected(path.error());
  if (*path) return sqlite_engine(**path, partitions_of(config), currencies, access);
  return postgres_engine(config, currencies, metrics);
}

std::expected<Auditing, std::string> make_audit(const Config& config, const domain::Currencies& currencies,
                                                ops::Metrics& metrics) {
  const auto path = path_of(config.text("database-url"));
  if (!path) return std::unexpected(path.error());
  if (*path) {
    const auto file = std::filesystem::absolute(**path);
    if (!std::filesystem::exists(file)) return std::unexpected("database-url: there is no file " + file.string());
    return Auditing{
        .name = "SQLite", .where = file.string(), .audit = std::make_unique<sqlite::Audit>(file.string(), currencies)};
  }
  const postgres::Options options = postgres_options(config);
  return Auditing{.name = "PostgreSQL",
                  .where = without_password(options.url),
                  .audit = std::make_unique<postgres::Audit>(options, currencies, metrics)};
}

}  // namespace tps
