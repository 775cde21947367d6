// ports::KeyRegistry on PostgreSQL. One object is one session. Looking up a hash needs no right to read the table,
// only to call find_api_key(); the other calls need INSERT, and SELECT of all columns but key_hash.
#pragma once

#include "adapters/postgres/connection.hpp"
#include "adapters/postgres/session.hpp"
#include "domain/currency.hpp"
#include "ops/metrics.hpp"
#include "ports/fault.hpp"
#include "ports/key_registry.hpp"

namespace tps::postgres {

class KeyRegistry final : public ports::KeyRegistry {
 public:
  // `currencies` and `metrics` must outlive this object. Does not connect yet.
  KeyRegistry(const Options& options, const domain::Currencies& currencies, ops::Metrics& metrics);

  ports::StoreResult<void> add(const ports::ApiKey& key, const ports::KeyHash& hash, ports::Deadline deadline) override;
  ports::StoreResult<bool> revoke(const std::string& id, const std::string& by, domain::Timestamp at,
                                  ports::Deadline deadline) override;
  ports::StoreResult<std::vector<std::optional<ports::ApiKey>>> find(std::span<const ports::KeyHash> hashes,
                                                                     ports::Deadline deadline) override;
  ports::StoreResult<std::vector<ports::ApiKey>> list(ports::Deadline deadline) override;

 private:
  // One statement in a transaction of its own. `unknown`: it may have been committed.
  ports::StoreResult<Result> write(const Statement& statement, const Parameters& parameters, ports::Deadline deadline);

  Session session_;
};

}  // namespace tps::postgres
