// The shared cache in Redis. Every get and put ends within its budget, whatever Redis does; values are believed only
// when sealed with the store's secret; after a few failures in a row its circuit opens. A Redis that
// answers but refuses to store anything (a replica, full, without rights) is still read.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/redis/circuit_breaker.hpp"
#include "adapters/redis/connection.hpp"
#include "adapters/redis/seal.hpp"
#include "adapters/redis/url.hpp"
#include "ops/metrics.hpp"
#include "ports/cache.hpp"
#include "ports/store.hpp"

namespace tps::redis {

class Cache final : public ports::Cache {
 public:
  // Connects on first use. `metrics` must outlive this object.
  Cache(const Options& options, const ports::StoreIdentity& store, ops::Metrics& metrics);

  // One MGET.
  std::vector<std::optional<domain::Transaction>> get(std::string_view lineage, std::span<const std::int64_t> ids,
                                                      ports::Deadline deadline) override;

  // SETs in one trip. Transactions that are not final, longer than 4 KiB or beyond 1 MiB in one call are left out.
  void put(std::string_view lineage, std::span<const domain::Transaction* const> transactions,
           ports::Deadline deadline) override;

  std::optional<std::string> trouble(ports::Deadline deadline) override;
  void look_again(ports::Deadline deadline) override;

  [[nodiscard]] bool available() const override;

 private:
  // tps_cache_operations_total{cache="redis"}: one per transaction asked for or given.
  struct Outcomes {
    prometheus::Counter& hit;
    prometheus::Counter& miss;
    prometheus::Counter& rejected;  // something was there, but not what put() stored
    prometheus::Counter& error;
    prometheus::Counter& skipped;
    prometheus::Counter& stored;
  };
  using Replies = std::expected<std::vector<Reply>, std::string>;

  std::vector<std::optional<domain::Transaction>> open(std::span<const std::int64_t> ids,
                                                       const std::vector<std::string>& keys, const redisReply& values);
  Replies exchange(std::string_view commands, std::size_t count, std::size_t max_bytes, ports::Deadline deadline);
  void succeeded();
  void failed(std::string_view detail);
  void stores(bool stored, std::string_view complaint);

  const std::chrono::milliseconds budget_;
  const Outcomes outcomes_;
  prometheus::Gauge& breaker_open_;
  prometheus::Gauge& writes_refused_;
  CircuitBreaker breaker_;  // self-locked where available() reads it

  // The lane's thread alone.
  Seal seal_;
  Connection connection_;
  std::minstd_rand random_;
  bool refuses_writes_ = false;
};

}  // namespace tps::redis
