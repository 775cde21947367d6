#include "auth/credential_cache.hpp"

namespace tps::auth {

SharedPrincipal CredentialCache::get(const ports::Sha256& credential, Time now) {
  Shard& shard = shard_of(credential);
  const std::scoped_lock lock(shard.mutex);
  const auto found = shard.entries.find(credential);
  if (found == shard.entries.end()) return nullptr;
  if (now < found->second.until) return found->second.principal;
  shard.entries.erase(found);
  return nullptr;
}

void CredentialCache::put(const ports::Sha256& credential, SharedPrincipal principal, Time until,
                          std::uint64_t generation) {
  Shard& shard = shard_of(credential);
  const std::scoped_lock lock(shard.mutex);
  if (generation != generation_) return;
  // A dropped entry is verified again at its next use. Evicting the least recently used one would cost every request.
  if (shard.entries.size() >= capacity_per_shard_ && !shard.entries.contains(credential)) shard.entries.clear();
  shard.entries.insert_or_assign(credential, Entry{std::move(principal), until});
}

void CredentialCache::clear() {
  ++generation_;
  for (Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    shard.entries.clear();
  }
}

}  // namespace tps::auth
