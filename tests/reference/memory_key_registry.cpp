#include "reference/memory_key_registry.hpp"

#include <algorithm>
#include <tuple>

#include "adapters/storable.hpp"
#include "ports/fault.hpp"

namespace tps::reference {

using ports::ApiKey;
using ports::Deadline;
using ports::KeyHash;
using ports::StoreFault;
using ports::StoreResult;

MemoryKeyRegistry::MemoryKeyRegistry(std::shared_ptr<MemoryKeys> keys) : shared_(std::move(keys)) {}

StoreResult<void> MemoryKeyRegistry::add(const ApiKey& key, const KeyHash& hash, Deadline) {
  if (!adapters::storable(key)) return std::unexpected(adapters::unstorable());
  const std::lock_guard guard(shared_->mutex);
  for (const auto& [known, known_hash] : shared_->keys) {
    if (known.id == key.id || known_hash == hash) {
      return std::unexpected(StoreFault{StoreFault::Kind::refused, "there is a key with this id or hash"});
    }
  }
  shared_->keys.emplace_back(key, hash);
  shared_->keys.back().first.revoked_at.reset();
  shared_->keys.back().first.revoked_by.clear();
  return {};
}

StoreResult<bool> MemoryKeyRegistry::revoke(const std::string& id, const std::string& by, domain::Timestamp at,
                                            Deadline) {
  if (!adapters::storable(by)) return std::unexpected(adapters::unstorable());
  const std::lock_guard guard(shared_->mutex);
  const auto found = std::ranges::find(shared_->keys, id, [](const auto& entry) { return entry.first.id; });
  if (found == shared_->keys.end()) return false;
  ApiKey& key = found->first;
  if (key.revoked_at) return true;
  key.revoked_at = at;
  key.revoked_by = by;
  return true;
}

StoreResult<std::vector<std::optional<ApiKey>>> MemoryKeyRegistry::find(std::span<const KeyHash> hashes, Deadline) {
  const std::lock_guard guard(shared_->mutex);
  std::vector<std::optional<ApiKey>> answers;
  answers.reserve(hashes.size());
  for (const KeyHash& hash : hashes) {
    const auto found = std::ranges::find(shared_->keys, hash, [](const auto& entry) { return entry.second; });
    answers.push_back(found == shared_->keys.end() ? std::nullopt : std::optional(found->first));
  }
  return answers;
}

StoreResult<std::vector<ApiKey>> MemoryKeyRegistry::list(Deadline) {
  const std::lock_guard guard(shared_->mutex);
  std::vector<ApiKey> keys;
  keys.reserve(shared_->keys.size());
  for (const auto& [key, hash] : shared_->keys) keys.push_back(key);
  std::ranges::sort(keys, {}, [](const ApiKey& key) { return std::tie(key.created_at, key.id); });
  return keys;
}

}  // namespace tps::reference
