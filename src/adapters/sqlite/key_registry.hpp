// service::KeyRegistry over an embedded SQLite file. It reads and writes through connections of its own, with SQLite's
// locks, so that an operator's command can make a key while a server has the file open. That server's writer waits for
// the few milliseconds that a change takes, as this one waits for its turn.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "adapters/sqlite/reader.hpp"
#include "domain/currency.hpp"
#include "ports/fault.hpp"
#include "ports/key_registry.hpp"

namespace tps::adapters {

class SqliteKeyRegistry final : public service::KeyRegistry {
 public:
  // `currencies` must outlive this object. Does not open the file at `path` yet, and never creates it.
  SqliteKeyRegistry(std::string path, const domain::Currencies& currencies);

  service::StoreResult<void> add(const service::ApiKey& key, const service::KeyHash& hash,
                                 service::Deadline deadline) override;
  service::StoreResult<bool> revoke(const std::string& id, const std::string& by, domain::Timestamp at,
                                    service::Deadline deadline) override;
  service::StoreResult<std::vector<std::optional<service::ApiKey>>> find(std::span<const service::KeyHash> hashes,
                                                                         service::Deadline deadline) override;
  service::StoreResult<std::vector<service::ApiKey>> list(service::Deadline deadline) override;

 private:
  // The connection for one short write, once the schema is known to be right.
  service::StoreResult<SqliteConnection*> writer(service::Deadline deadline);

  const std::string path_;
  std::unique_ptr<SqliteConnection> writer_;  // closed last: of a file that nobody else has open it leaves no log
  SqliteReader reader_;
};

}  // namespace tps::adapters
