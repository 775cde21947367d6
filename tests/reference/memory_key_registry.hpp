// ports::KeyRegistry over a plain list: the readable reference, for tests. Nothing survives the process.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "ports/fault.hpp"
#include "ports/key_registry.hpp"

namespace tps::reference {

// The state that the sessions share.
struct MemoryKeys {
  std::mutex mutex;
  std::vector<std::pair<ports::ApiKey, ports::KeyHash>> keys;  // under mutex
};

class MemoryKeyRegistry final : public ports::KeyRegistry {
 public:
  explicit MemoryKeyRegistry(std::shared_ptr<MemoryKeys> keys);

  ports::StoreResult<void> add(const ports::ApiKey& key, const ports::KeyHash& hash, ports::Deadline deadline) override;
  ports::StoreResult<bool> revoke(const std::string& id, const std::string& by, domain::Timestamp at,
                                  ports::Deadline deadline) override;
  ports::StoreResult<std::vector<std::optional<ports::ApiKey>>> find(std::span<const ports::KeyHash> hashes,
                                                                     ports::Deadline deadline) override;
  ports::StoreResult<std::vector<ports::ApiKey>> list(ports::Deadline deadline) override;

 private:
  const std::shared_ptr<MemoryKeys> shared_;
};

}  // namespace tps::reference
