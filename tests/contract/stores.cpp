#include "contract/stores.hpp"

#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

#include "adapters/postgres/audit.hpp"
#include "adapters/postgres/key_registry.hpp"
#include "adapters/postgres/migrate.hpp"
#include "adapters/postgres/store.hpp"
#include "adapters/sqlite/audit.hpp"
#include "adapters/sqlite/key_registry.hpp"
#include "adapters/sqlite/store.hpp"
#include "reference/memory_audit.hpp"
#include "reference/memory_key_registry.hpp"
#include "reference/memory_store.hpp"
#include "support/postgres_server.hpp"

namespace tps::contract {
namespace {

class MemoryTestStore final : public TestStore {
 public:
  std::unique_ptr<ports::Store> session(const domain::Currencies& currencies) override {
    return std::make_unique<reference::MemoryStore>(database_, currencies);
  }
  std::unique_ptr<ports::KeyRegistry> keys(const domain::Currencies&) override {
    return std::make_unique<reference::MemoryKeyRegistry>(keys_);
  }
  std::unique_ptr<ports::Audit> audit(const domain::Currencies&) override {
    return std::make_unique<reference::MemoryAudit>(database_);
  }
  std::expected<void, std::string> migrate(std::uint32_t partitions) override {
    if (!database_) database_ = std::make_shared<reference::MemoryDatabase>(partitions);
    return {};
  }
  void reopen() override {}
  std::expected<std::string, std::string> sql(const std::string&) override { return std::unexpected("no SQL here"); }

 private:
  std::shared_ptr<reference::MemoryDatabase> database_;
  const std::shared_ptr<reference::MemoryKeys> keys_ = std::make_shared<reference::MemoryKeys>();
};

class SqliteTestStore final : public TestStore {
 public:
  SqliteTestStore() {
    std::string pattern = std::filesystem::temp_directory_path() / "tps-contract-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = pattern;
    open();
  }
  ~SqliteTestStore() override {
    database_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<ports::Store> session(const domain::Currencies& currencies) override {
    return std::make_unique<sqlite::Store>(database_, currencies);
  }
  std::unique_ptr<ports::KeyRegistry> keys(const domain::Currencies& currencies) override {
    return std::make_unique<sqlite::KeyRegistry>(file(), currencies);
  }
  std::unique_ptr<ports::Audit> audit(const domain::Currencies& currencies) override {
    return std::make_unique<sqlite::Audit>(file(), currencies);
  }
  std::expected<void, std::string> migrate(std::uint32_t partitions) override { return database_->migrate(partitions); }
  void reopen() override {
    database_.reset();
    open();
  }

  // A connection with SQLite's own settings, as the sqlite3 shell has: without recursive_triggers above all.
  std::expected<std::string, std::string> sql(const std::string& statement) override {
    sqlite3* connection = nullptr;
    sqlite3_open(file().c_str(), &connection);
    sqlite3_busy_timeout(connection, 5'000);
    std::string value;
    const auto keep_first = [](void* into, int, char** columns, char**) {
      auto* text = static_cast<std::string*>(into);
      if (text->empty() && columns[0] != nullptr) *text = columns[0];
      return 0;
    };
    char* error = nullptr;
    const int code = sqlite3_exec(connection, statement.c_str(), keep_first, &value, &error);
    const std::string reason = error == nullptr ? "" : error;
    sqlite3_free(error);
    sqlite3_close(connection);
    if (code != SQLITE_OK) return std::unexpected(reason);
    return value;
  }

 private:
  [[nodiscard]] std::string file() const { return folder_ / "tps.db"; }
  void open() {
    auto opened = sqlite::Database::open(file());
    if (!opened) throw std::runtime_error(opened.error());
    database_ = std::move(*opened);
  }

  std::filesystem::path folder_;
  std::shared_ptr<sqlite::Database> database_;
};

tests::PostgresServer& server() {
  static tests::PostgresServer shared;
  return shared;
}

class PostgresTestStore final : public TestStore {
 public:
  std::unique_ptr<ports::Store> session(const domain::Currencies& currencies) override {
    return std::make_unique<postgres::Store>(options_, currencies, metrics_);
  }
  std::unique_ptr<ports::KeyRegistry> keys(const domain::Currencies& currencies) override {
    return std::make_unique<postgres::KeyRegistry>(options_, currencies, metrics_);
  }
  std::unique_ptr<ports::Audit> audit(const domain::Currencies& currencies) override {
    return std::make_unique<postgres::Audit>(options_, currencies, metrics_);
  }
  std::expected<void, std::string> migrate(std::uint32_t partitions) override {
    return postgres::migrate(options_, partitions, std::chrono::steady_clock::now() + std::chrono::seconds(30));
  }
  void reopen() override {}
  std::expected<std::string, std::string> sql(const std::string& statement) override {
    try {
      return server().query(name_, statement);
    } catch (const std::exception& error) {
      return std::unexpected(error.what());
    }
  }

 private:
  const std::string name_ = server().create_database();
  const postgres::Options options_{.url = server().url(name_)};
  ops::Metrics metrics_;
};

}  // namespace

std::vector<StoreMaker> database_makers() {
  return {
      {"sqlite", [] { return std::make_unique<SqliteTestStore>(); }},
      {"postgres", [] { return std::make_unique<PostgresTestStore>(); }},
  };
}

std::vector<StoreMaker> store_makers() {
  std::vector<StoreMaker> makers = database_makers();
  makers.insert(makers.begin(), {"memory", [] { return std::make_unique<MemoryTestStore>(); }});
  return makers;
}

}  // namespace tps::contract
