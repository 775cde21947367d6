#include "program/lanes_of_serve.hpp"

#include <chrono>
#include <utility>

#include "program/wall_clock.hpp"
#include "service/flights.hpp"

namespace tps {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFlightBudget{3'000};
constexpr milliseconds kCacheFlightBudget{20};

lanes::LaneOptions lane_options(const char* name, std::size_t capacity, std::size_t max_flight) {
  return {.name = name, .capacity = capacity, .max_flight = max_flight, .budget = kFlightBudget};
}

lanes::LaneHealth::Probe probe_of(ports::Store& session) {
  return [&session](ports::Deadline deadline) -> std::optional<ports::StoreFault> {
    auto pong = session.ping(deadline);
    return pong ? std::nullopt : std::optional(std::move(pong.error()));
  };
}

lanes::Lane::Idle idle_of(lanes::LaneHealth& health) {
  return [&health](ports::Deadline deadline) { health.idle(deadline); };
}

}  // namespace

LanesOfServe::LanesOfServe(const Settings& settings, const Engine& engine, ports::Cache* shared_cache,
                           std::function<void()> accepted, ops::Metrics& metrics)
    : submit_session_(engine.session()),
      read_session_(engine.session()),
      balance_session_(engine.session()),
      query_session_(engine.session()),
      submit_health_("submit", probe_of(*submit_session_)),
      read_health_("read", probe_of(*read_session_)),
      balance_health_("balance", probe_of(*balance_session_)),
      query_health_("query", probe_of(*query_session_)),
      submit(lane_options("submit", settings.submit_queue, settings.max_flight), metrics,
             service::submit_flight(*submit_session_, now, std::move(accepted), metrics, &submit_health_),
             idle_of(submit_health_)),
      read(lane_options("read", settings.read_queue, settings.max_flight), metrics,
           service::find_flight(*read_session_, metrics, &read_health_), idle_of(read_health_)),
      balance(lane_options("balance", settings.query_queue, 1), metrics,
              service::query_flight(*balance_session_, &balance_health_), idle_of(balance_health_)),
      query(lane_options("query", settings.query_queue, 1), metrics,
            service::query_flight(*query_session_, &query_health_), idle_of(query_health_)) {
  if (shared_cache == nullptr) return;
  cache.emplace(lanes::LaneOptions{.name = "cache", .budget = kCacheFlightBudget}, metrics,
                service::cache_flight(*shared_cache, *engine.history),
                [shared_cache](ports::Deadline deadline) { shared_cache->look_again(deadline); });
}

std::vector<service::ServingPart> LanesOfServe::parts() const {
  std::vector<service::ServingPart> parts;
  for (const auto* health : {&submit_health_, &read_health_, &balance_health_, &query_health_}) {
    parts.push_back({"the lane " + health->name(), [health] { return health->trouble(); }});
  }
  return parts;
}

void LanesOfServe::stop() {
  submit.stop();
  read.stop();
  balance.stop();
  query.stop();
  if (cache) cache->stop();
}

}  // namespace tps
