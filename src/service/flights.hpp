// What the lanes carry, and how a flight of each is flown against its port.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "domain/acceptance.hpp"
#include "service/lane.hpp"
#include "service/ports.hpp"

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

using Clock = std::function<domain::Timestamp()>;

// All that wait are asked for at once, and each gets its own. `look_up(keys, deadline)` is the port's call; `key` and
// `found` are the members of `Job`; the outcome is counted as `operation`.
template <class Job, class Key, class Found, class LookUp>
Lane::Fly look_up_flight(Key Job::* key, StoreResult<Found> Job::* found, LookUp look_up, ops::Metrics& metrics,
                         const std::string& operation) {
  auto& ok = metrics.store_operation(operation, "ok");
  auto& unavailable = metrics.store_operation(operation, "unavailable");
  return [=, &ok, &unavailable](std::span<LaneJob* const> jobs, Deadline deadline) {
    std::vector<Key> keys;
    keys.reserve(jobs.size());
    for (LaneJob* const base : jobs) keys.push_back(static_cast<Job&>(*base).*key);
    auto answers = look_up(keys, deadline);
    (answers ? ok : unavailable).Increment();
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      auto& job = static_cast<Job&>(*jobs[i]);
      if (answers) {
        job.*found = std::move((*answers)[i]);
      } else {
        job.*found = std::unexpected(answers.error());
      }
    }
  };
}

// The session or cache must outlive the lane. `accepted` is called after each flight that added something. Outcomes are
// counted in tps_store_operations_total: one per flight for reads, one per submission for appends.
Lane::Fly submit_flight(Store& session, Clock clock, std::function<void()> accepted, ops::Metrics& metrics);
Lane::Fly find_flight(Store& session, ops::Metrics& metrics);
Lane::Fly query_flight(Store& session);
Lane::Fly cache_flight(Cache& cache);

}  // namespace tps::service
