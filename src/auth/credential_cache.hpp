// Credentials that were found good, for a while. Each is known by its SHA-256, so that neither the map nor the time of
// a look-up tells what it is. Bounded; any thread may call.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <unordered_map>

#include "auth/principal.hpp"
#include "ports/sha256.hpp"

namespace tps::auth {

class CredentialCache {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit CredentialCache(std::size_t capacity) : capacity_per_shard_(capacity / kShards + 1) {}

  // nullptr when it is not there, or no longer.
  SharedPrincipal get(const ports::Sha256& credential, Time now);

  // Counts how often clear() was called. Ask before what is put is found out.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }

  // Does nothing if clear() has been called since `generation`.
  void put(const ports::Sha256& credential, SharedPrincipal principal, Time until, std::uint64_t generation);

  void clear();

 private:
  static constexpr std::size_t kShards = 16;
  struct Entry {
    SharedPrincipal principal;
    Time until;
  };
  struct FirstBytes {
    std::size_t operator()(const ports::Sha256& digest) const {
      std::size_t hash = 0;
      std::memcpy(&hash, digest.data(), sizeof hash);
      return hash;
    }
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<ports::Sha256, Entry, FirstBytes> entries;  // under mutex
  };

  Shard& shard_of(const ports::Sha256& credential) { return shards_.at(credential.back() % kShards); }

  const std::size_t capacity_per_shard_;
  std::atomic<std::uint64_t> generation_ = 0;
  std::array<Shard, kShards> shards_;
};

}  // namespace tps::auth
