// service::KeyRegistry over a plain list: the readable reference, for tests. Nothing survives the process.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "ports/fault.hpp"
#include "ports/key_registry.hpp"

namespace tps::adapters {

// What the sessions share.
struct MemoryKeys {
  std::mutex mutex;
  std::vector<std::pair<service::ApiKey, service::KeyHash>> keys;  // under mutex
};

class MemoryKeyRegistry final : public service::KeyRegistry {
 public:
  explicit MemoryKeyRegistry(std::shared_ptr<MemoryKeys> keys);

  service::StoreResult<void> add(const service::ApiKey& key, const service::KeyHash& hash,
                                 service::Deadline deadline) override;
  service::StoreResult<bool> revoke(const std::string& id, const std::string& by, domain::Timestamp at,
                                    service::Deadline deadline) override;
  service::StoreResult<std::vector<std::optional<service::ApiKey>>> find(std::span<const service::KeyHash> hashes,
                                                                         service::Deadline deadline) override;
  service::StoreResult<std::vector<service::ApiKey>> list(service::Deadline deadline) override;

 private:
  const std::shared_ptr<MemoryKeys> shared_;
};

}  // namespace tps::adapters
