#include "service/local_cache.hpp"

#include <cassert>
#include <utility>

namespace tps::service {
namespace {

std::size_t text_bytes(const domain::Transaction& transaction) {
  const auto size = [](const std::optional<std::string>& text) { return text ? text->size() : 0; };
  return transaction.user_id.size() + size(transaction.to_user_id) + size(transaction.reference) +
         size(transaction.description) + size(transaction.metadata);
}

}  // namespace

LocalCache::LocalCache(std::size_t capacity, const ports::History& history)
    : capacity_per_shard_((capacity + kShards - 1) / kShards), history_(history) {}

// Under the shard's mutex. Entries of a generation that has ended may never be given again.
void LocalCache::forget_the_past(Shard& shard) const {
  const std::uint64_t generation = history_.generation();
  if (shard.generation == generation) return;
  shard.by_id.clear();
  shard.entries.clear();
  shard.generation = generation;
}

LocalCache::Entry LocalCache::get(std::int64_t id) {
  Shard& shard = shard_of(id);
  const std::scoped_lock lock(shard.mutex);
  forget_the_past(shard);
  const auto found = shard.by_id.find(id);
  if (found == shard.by_id.end()) return nullptr;
  shard.entries.splice(shard.entries.begin(), shard.entries, found->second);
  return *found->second;
}

void LocalCache::put(Entry transaction, std::uint64_t generation) {
  assert(domain::is_final(transaction->status));
  if (capacity_per_shard_ == 0 || text_bytes(*transaction) > kMaxText) return;
  Shard& shard = shard_of(transaction->id);
  const std::scoped_lock lock(shard.mutex);
  forget_the_past(shard);
  if (shard.generation != generation || shard.by_id.contains(transaction->id)) return;
  if (shard.entries.size() == capacity_per_shard_) {
    shard.by_id.erase(shard.entries.back()->id);
    shard.entries.pop_back();
  }
  shard.entries.push_front(std::move(transaction));
  shard.by_id.emplace(shard.entries.front()->id, shard.entries.begin());
}

}  // namespace tps::service
