#include "ops/metrics.hpp"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <sstream>

#include "ops/log.hpp"
#include "ops/process.hpp"

namespace tps::ops {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Registry;

// Seconds, from a cached read to the longest deadline. 0.25 is there because the service level is set at it.
const Histogram::BucketBoundaries kSeconds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                           0.1,    0.25,  0.5,    1.0,   2.5,  5.0,   10.0};
const Histogram::BucketBoundaries kSizes{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 10'000};

Family<Counter>& counters(Registry& registry, const char* name, const char* help) {
  return BuildCounter().Name(name).Help(help).Register(registry);
}
Family<Gauge>& gauges(Registry& registry, const char* name, const char* help) {
  return BuildGauge().Name(name).Help(help).Register(registry);
}
Family<Histogram>& histograms(Registry& registry, const char* name, const char* help) {
  return BuildHistogram().Name(name).Help(help).Register(registry);
}

void set_start_facts(Registry& registry) {
  gauges(registry, "tps_build_info", "Always 1; the labels say what is running.")
      .Add({{"version", TPS_VERSION}, {"compiler", __VERSION__}})
      .Set(1);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  gauges(registry, "process_start_time_seconds", "Unix time at which the process started.")
      .Add({})
      .Set(static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()) / 1000.0);
}

// The log counts for the whole process, also before the metrics exist.
prometheus::MetricFamily dropped_lines() {
  prometheus::ClientMetric metric;
  metric.counter.value = static_cast<double>(log_lines_dropped());
  return {"tps_log_lines_dropped_total",
          "Log lines that did not reach stderr: its reader is too slow, or gone.",
          prometheus::MetricType::Counter,
          {metric}};
}

}  // namespace

RouteMetrics::RouteMetrics(Family<Counter>& requests, Histogram& duration, std::string method, std::string endpoint)
    : requests_(requests), duration_(duration), method_(std::move(method)), endpoint_(std::move(endpoint)) {}

void RouteMetrics::observe(int status, double seconds) {
  duration_.Observe(seconds);
  if (status < kFirstStatus || status > kLastStatus) return;
  auto& slot = by_status_[static_cast<std::size_t>(status - kFirstStatus)];
  Counter* counter = slot.load(std::memory_order_acquire);
  if (counter == nullptr) {
    // Add() returns the same counter for the same labels, so a race here is harmless.
    counter = &requests_.Add({{"method", method_}, {"endpoint", endpoint_}, {"http_status", std::to_string(status)}});
    slot.store(counter, std::memory_order_release);
  }
  counter->Increment();
}

Metrics::Metrics()
    : registry_(std::make_shared<Registry>()),
      requests_(counters(*registry_, "http_requests_total", "HTTP requests by method, route template and status.")),
      durations_(histograms(*registry_, "http_request_duration_seconds",
                            "Time from the request being read to its answer being ready.")),
      store_operations_(counters(*registry_, "tps_store_operations_total", "Store calls by operation and outcome.")),
      cache_operations_(counters(*registry_, "tps_cache_operations_total", "Cache look-ups and writes by outcome.")),
      authentications_(counters(*registry_, "tps_authentications_total", "Credentials of requests, by outcome.")),
      logins_(counters(*registry_, "tps_logins_total", "Logins with a password, by outcome.")),
      key_fetches_(counters(*registry_, "tps_key_fetches_total", "Fetches of an issuer's keys by URL, by outcome.")),
      settled_(counters(*registry_, "tps_transactions_settled_total",
                        "Transactions settled here, by status; the end of a hold counts, too.")),
      failed_(counters(*registry_, "tps_transactions_failed_total", "Transactions that failed here, by failure.")),
      oldest_pending_(
          gauges(*registry_, "tps_oldest_pending_seconds",
                 "Age of a partition's oldest transaction that is not settled yet; 0 when there is none, below 0 "
                 "when it is from the future.")),
      backlog_(gauges(*registry_, "tps_settlement_backlog", "Transactions accepted and not settled yet.")),
      log_ahead_(gauges(*registry_, "tps_log_ahead_seconds",
                        "How far a partition's log ends in the future; 0 when it does not.")),
      imbalance_(gauges(*registry_, "tps_ledger_imbalance",
                        "Sum of the accounts minus the independent totals, in minor units; 0 unless broken.")),
      store_reconnects(
          counters(*registry_, "tps_store_reconnects_total", "Connections to the store that had to be made anew.")
              .Add({})),
      history_changes(counters(*registry_, "tps_history_changes_total",
                               "Times that the database was found with another history, or another store in its place.")
                          .Add({})),
      cache_breaker_open(
          gauges(*registry_, "tps_cache_breaker_open", "1 while the shared cache is left alone after failures.")
              .Add({})),
      cache_writes_refused(
          gauges(*registry_, "tps_cache_writes_refused", "1 while the shared cache refuses to store anything.")
              .Add({})),
      connections(gauges(*registry_, "tps_http_connections", "Open client connections.").Add({})),
      connections_limit(gauges(*registry_, "tps_http_connections_limit", "Most client connections at once.").Add({})),
      connections_refused(
          counters(*registry_, "tps_http_connections_refused_total", "Connections over the limit.").Add({})),
      requests_limited(
          counters(*registry_, "tps_http_requests_limited_total", "Requests answered 429: over a rate limit.").Add({})),
      clock_skew_seconds(gauges(*registry_, "tps_clock_skew_seconds",
                                "This process's clock minus the database's; with SQLite, minus what it said before.")
                             .Add({})),
      ready(gauges(*registry_, "tps_ready", "1 while /readiness answers 200.").Add({})),
      transactions_accepted(
          counters(*registry_, "tps_transactions_accepted_total", "Transactions made durable here.").Add({})),
      transactions_replayed(counters(*registry_, "tps_transactions_replayed_total",
                                     "Requests answered with the transaction that their key already had.")
                                .Add({})),
      settle_batch_size(
          histograms(*registry_, "tps_settle_batch_size", "Transactions settled in one commit.").Add({}, kSizes)),
      settle_seconds(
          histograms(*registry_, "tps_settle_seconds", "One settlement batch, from lock to commit.").Add({}, kSeconds)),
      open_holds(gauges(*registry_, "tps_holds_open", "Authorized transactions whose hold is open.").Add({})),
      unprocessable(counters(*registry_, "tps_transactions_unprocessable_total",
                             "Transactions that could not be settled because of a bug or a corrupt row.")
                        .Add({})) {
  set_start_facts(*registry_);
}

RouteMetrics& Metrics::route(const std::string& method, const std::string& endpoint) {
  const std::scoped_lock lock(mutex_);
  auto& slot = routes_[{method, endpoint}];
  if (!slot) {
    Histogram& duration = durations_.Add({{"method", method}, {"endpoint", endpoint}}, kSeconds);
    slot = std::make_unique<RouteMetrics>(requests_, duration, method, endpoint);
    // If a counter appeared with its first failure, rate() would miss that one, which the service level counts.
    if (method == "POST") {
      for (const char* status : {"500", "503", "504"}) {
        requests_.Add({{"method", method}, {"endpoint", endpoint}, {"http_status", status}});
      }
    }
  }
  return *slot;
}

LaneMetrics& Metrics::lane(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  auto& slot = lanes_[name];
  if (!slot) {
    Registry& registry = *registry_;
    const prometheus::Labels labels{{"lane", name}};
    auto& shed = counters(registry, "tps_shed_total", "Work refused before it was begun, by lane and reason.");
    slot = std::make_unique<LaneMetrics>(LaneMetrics{
        gauges(registry, "tps_lane_queue_depth", "Work waiting for a lane.").Add(labels),
        histograms(registry, "tps_lane_flight_size", "Work done in one round trip of a lane.").Add(labels, kSizes),
        histograms(registry, "tps_lane_flight_seconds", "One round trip of a lane; for submit, one commit.")
            .Add(labels, kSeconds),
        histograms(registry, "tps_lane_wait_seconds", "Longest time that work of a flight waited in the queue.")
            .Add(labels, kSeconds),
        shed.Add({{"lane", name}, {"reason", "full"}}),
        shed.Add({{"lane", name}, {"reason", "expired"}}),
    });
  }
  return *slot;
}

Counter& Metrics::store_operation(const std::string& operation, const std::string& outcome) {
  return store_operations_.Add({{"operation", operation}, {"outcome", outcome}});
}
Counter& Metrics::cache_operation(const std::string& cache, const std::string& outcome) {
  return cache_operations_.Add({{"cache", cache}, {"outcome", outcome}});
}
Counter& Metrics::authentication(const std::string& outcome) { return authentications_.Add({{"outcome", outcome}}); }
Counter& Metrics::key_fetch(const std::string& outcome) { return key_fetches_.Add({{"outcome", outcome}}); }
Counter& Metrics::login(const std::string& outcome) { return logins_.Add({{"outcome", outcome}}); }
Counter& Metrics::settled(const std::string& status) { return settled_.Add({{"status", status}}); }
Gauge& Metrics::oldest_pending_seconds(std::uint32_t partition) {
  return oldest_pending_.Add({{"partition", std::to_string(partition)}});
}
Gauge& Metrics::backlog(std::uint32_t partition) { return backlog_.Add({{"partition", std::to_string(partition)}}); }
Gauge& Metrics::log_ahead_seconds(std::uint32_t partition) {
  return log_ahead_.Add({{"partition", std::to_string(partition)}});
}
Gauge& Metrics::sqlite_wal_bytes() {
  return gauges(*registry_, "tps_sqlite_wal_bytes", "Size of the write-ahead log beside the SQLite file.").Add({});
}
Gauge& Metrics::imbalance(const std::string& currency) { return imbalance_.Add({{"currency", currency}}); }
Counter& Metrics::failed(const std::string& failure) { return failed_.Add({{"failure", failure}}); }

std::string Metrics::text() const {
  std::ostringstream out;
  auto families = registry_->Collect();
  std::ranges::move(process_metrics(), std::back_inserter(families));
  families.push_back(dropped_lines());
  prometheus::TextSerializer().Serialize(out, families);
  std::string text = std::move(out).str();
  // The library spells this value differently from the format.
  constexpr std::string_view kWrong = " Nan\n";
  for (std::size_t at = text.find(kWrong); at != std::string::npos; at = text.find(kWrong, at)) text[at + 3] = 'N';
  return text;
}

}  // namespace tps::ops
