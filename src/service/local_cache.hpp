// The cache of this process: final transactions only, whose bodies can no longer change within one history of the
// store. It keeps them for one generation of that (ports/history.hpp) and is empty in the next. Bounded, least recently
// used goes first, sharded so that IO threads seldom meet. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "domain/transaction.hpp"
#include "ports/history.hpp"

namespace tps::service {

class LocalCache {
 public:
  using Entry = std::shared_ptr<const domain::Transaction>;

  // Holds about `capacity` transactions (rounded up to a multiple of the number of shards); 0 holds nothing. `history`
  // must outlive it.
  LocalCache(std::size_t capacity, const ports::History& history);

  [[nodiscard]] Entry get(std::int64_t id);

  // `generation`: the one before the transaction was asked for. If another has begun since, nothing is kept.
  // A transaction that is not final is a bug of the caller. One with more than kMaxText bytes of text is not kept, so
  // that the capacity bounds memory too.
  void put(Entry transaction, std::uint64_t generation);

 private:
  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kMaxText = 2'048;
  struct Shard {
    std::mutex mutex;
    // Under mutex.
    std::uint64_t generation = 0;  // of all entries
    std::list<Entry> entries;      // most recently used first
    std::unordered_map<std::int64_t, std::list<Entry>::iterator> by_id;
  };

  Shard& shard_of(std::int64_t id) { return shards_[static_cast<std::size_t>(id) % kShards]; }
  void forget_the_past(Shard& shard) const;

  const std::size_t capacity_per_shard_;
  const ports::History& history_;
  std::array<Shard, kShards> shards_;
};

}  // namespace tps::service
