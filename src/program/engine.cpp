#include "program/engine.hpp"

#include <chrono>
#include <filesystem>
#include <utility>
#include <variant>

#include "adapters/postgres/audit.hpp"
#include "adapters/postgres/key_registry.hpp"
#include "adapters/postgres/migrate.hpp"
#include "adapters/postgres/store.hpp"
#include "adapters/sqlite/audit.hpp"
#include "adapters/sqlite/database.hpp"
#include "adapters/sqlite/key_registry.hpp"
#include "adapters/sqlite/store.hpp"
#include "ops/log.hpp"
#include "program/wall_clock.hpp"

namespace tps {
namespace {

constexpr std::chrono::seconds kAdviceBudget{5};

// For operators. The service itself asks the history for the generation.
void report_changes(ports::History& history, ops::Metrics& metrics) {
  history.set_listener([&metrics](ports::History::Change change) {
    using Change = ports::History::Change;
    if (change == Change::restarted) {
      ops::log(ops::Level::info, "the database was started again: cached transactions are not used any more");
      return;
    }
    metrics.history_changes.Increment();
    ops::log(ops::Level::error, change == Change::changed
                                    ? "the database has another history than before: cached transactions are not used "
                                      "any more, cursors from before are refused"
                                    : "another store answers in the place of the one that this process began with: "
                                      "nothing is served from it");
  });
}

struct Words {
  const char* what;
  const char* action;
};

Words words_for(const ports::StoreFault& fault) {
  switch (fault.cause) {
    case ports::StoreFault::Cause::full:
      return {"the database is full", "make room on its disk"};
    case ports::StoreFault::Cause::refuses:
      return {"the database refuses operations", "check its permissions and limits"};
    case ports::StoreFault::Cause::damaged:
      if (fault.kind != ports::StoreFault::Kind::incompatible) return {"the database is damaged", "check its disk"};
      return {"the database is damaged or gone", "nothing is written any more: restore it, then start tps again"};
    case ports::StoreFault::Cause::unreachable:
      break;
  }
  return {"the database is unreachable", "check it"};
}

// One line when it begins and one when it ends, however many operations meet it.
void log_trouble(const ports::StoreFault& fault, bool is_over) {
  const Words words = words_for(fault);
  if (is_over) {
    ops::log(ops::Level::info, "the database works again", {{"trouble", words.what}});
  } else {
    ops::log(ops::Level::error, words.what, {{"detail", fault.detail}, {"action", words.action}});
  }
}

std::expected<Engine, std::string> sqlite_engine(const std::string& path, std::uint32_t partitions,
                                                 const domain::Currencies& currencies, OpenMode mode) {
  auto database = mode == OpenMode::read_write ? sqlite::Database::open(path) : sqlite::Database::open_to_read(path);
  if (!database) return std::unexpected(database.error());
  (*database)->trouble()->set_listener(log_trouble);
  (*database)->compare_clock(now);
  Engine engine;
  engine.name = "SQLite";
  engine.where = std::filesystem::absolute(path).string();
  engine.migrates_itself = mode == OpenMode::read_write;
  engine.history = (*database)->history();
  engine.session = [shared = *database, &currencies] { return std::make_unique<sqlite::Store>(shared, currencies); };
  engine.audit = [path, &currencies] { return std::make_unique<sqlite::Audit>(path, currencies); };
  engine.keys = [path, &currencies] { return std::make_unique<sqlite::KeyRegistry>(path, currencies); };
  engine.migrate = [shared = *database, partitions](auto) { return shared->migrate(partitions); };
  return engine;
}

postgres::Options postgres_options(const PostgresServer& server, OpenMode mode) {
  return {.url = server.url,
          .prepared_statements = server.prepared_statements,
          .records_epochs = mode == OpenMode::read_write,
          .compare_clock = true};
}

Engine postgres_engine(const PostgresServer& server, std::uint32_t partitions, const domain::Currencies& currencies,
                       ops::Metrics& metrics, OpenMode mode) {
  const postgres::Options options = postgres_options(server, mode);
  options.trouble->set_listener(log_trouble);
  Engine engine;
  engine.name = "PostgreSQL";
  engine.where = without_password(options.url);
  engine.history = options.history;
  engine.session = [options, &currencies, &metrics] {
    return std::make_unique<postgres::Store>(options, currencies, metrics);
  };
  engine.audit = [options, &currencies, &metrics] {
    return std::make_unique<postgres::Audit>(options, currencies, metrics);
  };
  engine.keys = [options, &currencies, &metrics] {
    return std::make_unique<postgres::KeyRegistry>(options, currencies, metrics);
  };
  engine.migrate = [options, partitions](std::chrono::seconds budget) {
    return postgres::migrate(options, partitions, std::chrono::steady_clock::now() + budget);
  };
  engine.advice = [options] {
    return postgres::rights_advice(options, std::chrono::steady_clock::now() + kAdviceBudget);
  };
  return engine;
}

}  // namespace

std::expected<Engine, std::string> make_engine(const Settings& settings, ops::Metrics& metrics, OpenMode mode) {
  const std::uint32_t partitions = settings.partitions.count;
  const auto* file = std::get_if<SqliteFile>(&settings.database);
  if (file != nullptr) metrics.sqlite_wal_bytes();  // from the start
  auto engine = file != nullptr ? sqlite_engine(file->path, partitions, settings.currencies, mode)
                                : postgres_engine(std::get<PostgresServer>(settings.database), partitions,
                                                  settings.currencies, metrics, mode);
  if (engine) report_changes(*engine->history, metrics);
  return engine;
}

std::expected<Auditing, std::string> make_audit(const Settings& settings, ops::Metrics& metrics) {
  if (const auto* sqlite = std::get_if<SqliteFile>(&settings.database)) {
    const auto file = std::filesystem::absolute(sqlite->path);
    if (!std::filesystem::exists(file)) return std::unexpected("database-url: there is no file " + file.string());
    if (const std::string why = sqlite::refusal_to_read(file.string()); !why.empty()) return std::unexpected(why);
    return Auditing{.name = "SQLite",
                    .where = file.string(),
                    .audit = std::make_unique<sqlite::Audit>(file.string(), settings.currencies)};
  }
  const postgres::Options options = postgres_options(std::get<PostgresServer>(settings.database), OpenMode::read_only);
  return Auditing{.name = "PostgreSQL",
                  .where = without_password(options.url),
                  .audit = std::make_unique<postgres::Audit>(options, settings.currencies, metrics)};
}

}  // namespace tps
