// Credentials that were found good, for a while. Bounded; any thread may call.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "auth/digest.hpp"
#include "auth/principal.hpp"

namespace tps::auth {

class CredentialCache {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit CredentialCache(std::size_t capacity) : capacity_per_shard_(capacity / kShards + 1) {}

  // nullptr when it is not there, or no longer.
  SharedPrincipal get(const Digest& credential, Time now);

  // Counts how often clear() was called. Ask before what is put is found out.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }

  // Does nothing if clear() has been called since `generation`.
  void put(const Digest& credential, SharedPrincipal principal, Time until, std::uint64_t generation);

  void clear();

 private:
  static constexpr std::size_t kShards = 16;
  struct Entry {
    SharedPrincipal principal;
    Time until;
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<Digest, Entry, HashDigest> entries;  // under mutex
  };

  Shard& shard_of(const Digest& credential) { return shards_.at(credential.back() % kShards); }

  const std::size_t capacity_per_shard_;
  std::atomic<std::uint64_t> generation_ = 0;
  std::array<Shard, kShards> shards_;
};

}  // namespace tps::auth
