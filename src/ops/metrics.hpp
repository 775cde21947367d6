// Every metric of the system, once: name, labels, meaning. Labels take only values from closed sets, so the number of
// series does not depend on what clients send. Thread-safe: counters and histograms are atomics.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace tps::ops {

struct LaneMetrics {
  prometheus::Gauge& depth;               // tps_lane_queue_depth{lane}
  prometheus::Histogram& flight_size;     // tps_lane_flight_size{lane}: weight of the jobs of one flight
  prometheus::Histogram& flight_seconds;  // tps_lane_flight_seconds{lane}: one round trip; for submit, the commit
  prometheus::Histogram& wait_seconds;    // tps_lane_wait_seconds{lane}: the longest wait of a flight's jobs
  prometheus::Counter& shed_full;         // tps_shed_total{lane,reason="full"}
  prometheus::Counter& shed_expired;      // tps_shed_total{lane,reason="expired"}
};

// The two metrics of one route; a status code gets its series when it first occurs.
class RouteMetrics {
 public:
  RouteMetrics(prometheus::Family<prometheus::Counter>& requests, prometheus::Histogram& duration, std::string method,
               std::string endpoint);
  void observe(int status, double seconds);

 private:
  static constexpr int kFirstStatus = 100;
  static constexpr int kLastStatus = 599;

  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Histogram& duration_;
  const std::string method_;
  const std::string endpoint_;
  std::array<std::atomic<prometheus::Counter*>, kLastStatus - kFirstStatus + 1> by_status_{};
};

class Metrics {
 public:
  Metrics();

  // The seed's two: http_requests_total{method,endpoint,http_status} and
  // http_request_duration_seconds{method,endpoint}. `endpoint` is the route's template, `method` one of the
  // table's or "OTHER". POSTs have the statuses 500, 503 and 504 from the start. The reference lives as long as this
  // object; look it up once.
  RouteMetrics& route(const std::string& method, const std::string& endpoint);

  LaneMetrics& lane(const std::string& name);

  // tps_store_operations_total{operation,outcome}; outcome: ok, unavailable, unknown, incompatible, refused.
  prometheus::Counter& store_operation(const std::string& operation, const std::string& outcome);
  // tps_cache_operations_total{cache,outcome}; cache: local, redis; outcome: hit, miss, error, rejected, skipped,
  // stored.
  prometheus::Counter& cache_operation(const std::string& cache, const std::string& outcome);
  // tps_authentications_total{outcome}: accepted, refused, of requests that bring credentials.
  prometheus::Counter& authentication(const std::string& outcome);
  // tps_logins_total{outcome}: accepted, refused, throttled.
  prometheus::Counter& login(const std::string& outcome);
  // tps_key_fetches_total{outcome}: ok, failed.
  prometheus::Counter& key_fetch(const std::string& outcome);
  // tps_transactions_settled_total{status}, tps_transactions_failed_total{failure}. The end of a hold counts as well:
  // one that is captured counts as authorized, its capture as settled, and then as settled itself.
  prometheus::Counter& settled(const std::string& status);
  prometheus::Counter& failed(const std::string& failure);
  // tps_oldest_pending_seconds{partition}, tps_settlement_backlog{partition}.
  prometheus::Gauge& oldest_pending_seconds(std::uint32_t partition);
  prometheus::Gauge& backlog(std::uint32_t partition);
  // tps_log_ahead_seconds{partition}: how far the log ends in the future; 0 when it does not.
  prometheus::Gauge& log_ahead_seconds(std::uint32_t partition);
  // tps_sqlite_wal_bytes, with SQLite only.
  prometheus::Gauge& sqlite_wal_bytes();
  // tps_ledger_imbalance{currency}: the accounts against the independent totals, in minor units; 0 unless broken.
  prometheus::Gauge& imbalance(const std::string& currency);

 private:
  std::shared_ptr<prometheus::Registry> registry_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Histogram>& durations_;
  prometheus::Family<prometheus::Counter>& store_operations_;
  prometheus::Family<prometheus::Counter>& cache_operations_;
  prometheus::Family<prometheus::Counter>& authentications_;
  prometheus::Family<prometheus::Counter>& logins_;
  prometheus::Family<prometheus::Counter>& key_fetches_;
  prometheus::Family<prometheus::Counter>& settled_;
  prometheus::Family<prometheus::Counter>& failed_;
  prometheus::Family<prometheus::Gauge>& oldest_pending_;
  prometheus::Family<prometheus::Gauge>& backlog_;
  prometheus::Family<prometheus::Gauge>& log_ahead_;
  prometheus::Family<prometheus::Gauge>& imbalance_;

  std::mutex mutex_;
  // Under mutex_.
  std::map<std::string, std::unique_ptr<LaneMetrics>, std::less<>> lanes_;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<RouteMetrics>> routes_;

 public:
  prometheus::Counter& store_reconnects;       // tps_store_reconnects_total
  prometheus::Counter& history_changes;        // tps_history_changes_total: another state, or another store
  prometheus::Gauge& cache_breaker_open;       // tps_cache_breaker_open: 1 while the Redis circuit is open
  prometheus::Gauge& cache_writes_refused;     // tps_cache_writes_refused: 1 while Redis refuses to store anything
  prometheus::Gauge& connections;              // tps_http_connections
  prometheus::Gauge& connections_limit;        // tps_http_connections_limit
  prometheus::Counter& connections_refused;    // tps_http_connections_refused_total
  prometheus::Counter& requests_limited;       // tps_http_requests_limited_total: answered 429
  prometheus::Gauge& clock_skew_seconds;       // tps_clock_skew_seconds: this clock minus its reference
  prometheus::Gauge& ready;                    // tps_ready
  prometheus::Counter& transactions_accepted;  // tps_transactions_accepted_total
  prometheus::Counter& transactions_replayed;  // tps_transactions_replayed_total
  prometheus::Histogram& settle_batch_size;    // tps_settle_batch_size
  prometheus::Histogram& settle_seconds;       // tps_settle_seconds: one batch, lock to commit
  prometheus::Gauge& open_holds;               // tps_holds_open
  prometheus::Counter& unprocessable;          // tps_transactions_unprocessable_total: need an operator

  // Prometheus text exposition format 0.0.4, with what the system knows about the process (process.hpp), and
  // tps_log_lines_dropped_total (log.hpp).
  [[nodiscard]] std::string text() const;
};

}  // namespace tps::ops
