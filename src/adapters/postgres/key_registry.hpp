// service::KeyRegistry on PostgreSQL. One object is one session. Looking up a hash needs no right to read the table,
// only to call find_api_key(); the other calls need INSERT, and SELECT of all columns but key_hash.
#pragma once

#include "adapters/postgres/connection.hpp"
#include "adapters/postgres/session.hpp"
#include "domain/currency.hpp"
#include "ops/metrics.hpp"
#include "ports/fault.hpp"
#include "ports/key_registry.hpp"

namespace tps::adapters {

class PostgresKeyRegistry final : public service::KeyRegistry {
 public:
  // `currencies` and `metrics` must outlive this object. Does not connect yet.
  PostgresKeyRegistry(const PostgresOptions& options, const domain::Currencies& currencies, ops::Metrics& metrics);

  service::StoreResult<void> add(const service::ApiKey& key, const service::KeyHash& hash,
                                 service::Deadline deadline) override;
  service::StoreResult<bool> revoke(const std::string& id, const std::string& by, domain::Timestamp at,
                                    service::Deadline deadline) override;
  service::StoreResult<std::vector<std::optional<service::ApiKey>>> find(std::span<const service::KeyHash> hashes,
                                                                         service::Deadline deadline) override;
  service::StoreResult<std::vector<service::ApiKey>> list(service::Deadline deadline) override;

 private:
  // One statement in a transaction of its own. `unknown`: it may have been committed.
  service::StoreResult<PostgresResult> write(const PostgresStatement& statement, const PostgresParameters& parameters,
                                             service::Deadline deadline);

  PostgresSession session_;
};

}  // namespace tps::adapters
