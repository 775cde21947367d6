// The cache of this process: final transactions only, whose bodies can no longer change, so nothing ever needs to be
// invalidated. Bounded, least recently used goes first, sharded so that IO threads seldom meet. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "domain/transaction.hpp"

namespace tps::service {

class LocalCache {
 public:
  using Entry = std::shared_ptr<const domain::Transaction>;

  // Holds about `capacity` transactions (rounded up to a multiple of the number of shards); 0 holds nothing.
  explicit LocalCache(std::size_t capacity);

  [[nodiscard]] Entry get(std::int64_t id);

  // A transaction that is not final is a bug of the caller. One with more than kMaxText bytes of text is not kept, so
  // that the capacity bounds memory too.
  void put(Entry transaction);

 private:
  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kMaxText = 2'048;
  struct Shard {
    std::mutex mutex;
    // Under mutex. Most recently used first.
    std::list<Entry> entries;
    std::unordered_map<std::int64_t, std::list<Entry>::iterator> by_id;
  };

  Shard& shard_of(std::int64_t id) { return shards_[static_cast<std::size_t>(id) % kShards]; }

  const std::size_t capacity_per_shard_;
  std::array<Shard, kShards> shards_;
};

}  // namespace tps::service
