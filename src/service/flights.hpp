// What the lanes carry, and how a flight of each is flown against its port.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "domain/acceptance.hpp"
#include "domain/clock.hpp"
#include "lanes/lane.hpp"
#include "ports/cache.hpp"
#include "ports/store.hpp"

namespace tps::service {

// One request's submissions. Groups are numbered by the flight; `atomic` makes the job's submissions one group.
struct SubmitJob : LaneJob {
  std::vector<domain::Submission> submissions;
  bool atomic = false;
};

struct FindJob : LaneJob {
  std::int64_t id = 0;
  StoreResult<std::optional<domain::Transaction>> found;
};

// A read that is not coalesced with others.
struct QueryJob : LaneJob {
  std::function<void(Store&, Deadline)> run;
};

// A look-up in the shared cache, or a write when `put` is set.
struct CacheJob : LaneJob {
  std::int64_t id = 0;
  const domain::Transaction* put = nullptr;
  std::optional<domain::Transaction> found;
};

// The session or cache must outlive the lane. `accepted` is called after each flight that added something. Outcomes are
// counted in tps_store_operations_total: one per flight for reads, one per submission for appends.
Lane::Fly submit_flight(Store& session, domain::Clock clock, std::function<void()> accepted, ops::Metrics& metrics);
Lane::Fly find_flight(Store& session, ops::Metrics& metrics);
Lane::Fly query_flight(Store& session);
Lane::Fly cache_flight(Cache& cache);

}  // namespace tps::service
