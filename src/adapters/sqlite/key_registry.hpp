// ports::KeyRegistry over an embedded SQLite file. It reads and writes through connections of its own, with SQLite's
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

namespace tps::sqlite {

class KeyRegistry final : public ports::KeyRegistry {
 public:
  // `currencies` must outlive this object. Does not open the file at `path` yet, and never creates it.
  KeyRegistry(std::string path, const domain::Currencies& currencies);

  ports::StoreResult<void> add(const ports::ApiKey& key, const ports::KeyHash& hash, ports::Deadline deadline) override;
  ports::StoreResult<bool> revoke(const std::string& id, const std::string& by, domain::Timestamp at,
                                  ports::Deadline deadline) override;
  ports::StoreResult<std::vector<std::optional<ports::ApiKey>>> find(std::span<const ports::KeyHash> hashes,
                                                                     ports::Deadline deadline) override;
  ports::StoreResult<std::vector<ports::ApiKey>> list(ports::Deadline deadline) override;

 private:
  // The connection for one short write, once the schema is known to be right.
  ports::StoreResult<Connection*> writer(ports::Deadline deadline);

  const std::string path_;
  std::unique_ptr<Connection> writer_;  // closed last: of a file that no other process has open it leaves no log
  Reader reader_;
};

}  // namespace tps::sqlite
