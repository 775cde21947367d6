// The jobs of the lanes, and how a flight of each runs against its port.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "domain/acceptance.hpp"
#include "domain/clock.hpp"
#include "lanes/lane.hpp"
#include "lanes/lane_health.hpp"
#include "ports/cache.hpp"
#include "ports/history.hpp"
#include "ports/store.hpp"

namespace tps::service {

// One request's submissions. Groups are numbered by the flight; `atomic` makes the job's submissions one group.
struct SubmitJob : lanes::LaneJob {
  std::vector<domain::Submission> submissions;
  bool atomic = false;
  std::optional<ports::StoreFault> fault{};  // why some are `unavailable` or `unknown`
};

struct FindJob : lanes::LaneJob {
  std::int64_t id = 0;
  ports::StoreResult<std::optional<domain::Transaction>> found;
};

// A read that is not coalesced with others.
struct QueryJob : lanes::LaneJob {
  std::function<std::optional<ports::StoreFault>(ports::Store&, ports::Deadline)> run;  // why it failed
};

// A look-up in the shared cache, or a write when `put` is set. One of an earlier generation than the flight's is left
// out.
struct CacheJob : lanes::LaneJob {
  std::uint64_t generation = 0;
  std::int64_t id = 0;
  const domain::Transaction* put = nullptr;
  std::optional<domain::Transaction> found;
};

// The session, the cache and the health (null: nothing is reported) must outlive the lane. `accepted` is called after
// each flight that added something. Outcomes are counted in tps_store_operations_total: one per flight for reads, one
// per submission for appends.
lanes::Lane::Fly submit_flight(ports::Store& session, domain::Clock clock, std::function<void()> accepted,
                               ops::Metrics& metrics, lanes::LaneHealth* health = nullptr);
lanes::Lane::Fly find_flight(ports::Store& session, ops::Metrics& metrics, lanes::LaneHealth* health = nullptr);
lanes::Lane::Fly query_flight(ports::Store& session, lanes::LaneHealth* health = nullptr);
lanes::Lane::Fly cache_flight(ports::Cache& cache, const ports::History& history);

}  // namespace tps::service
