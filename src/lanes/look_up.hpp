// A flight of look-ups: one call of a port for all keys that wait in a lane.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lanes/lane.hpp"
#include "lanes/lane_health.hpp"
#include "ops/metrics.hpp"
#include "ports/fault.hpp"

namespace tps::lanes {

// All that wait are asked for at once, and each gets its own. `look_up(keys, deadline)` is the port's call; `key` and
// `found` are the members of `Job`; the outcome is counted as `operation`, and reported to `health` unless that is
// null.
template <class Job, class Key, class Found, class LookUp>
Lane::Fly look_up_flight(Key Job::* key, ports::StoreResult<Found> Job::* found, LookUp look_up, ops::Metrics& metrics,
                         const std::string& operation, LaneHealth* health = nullptr) {
  auto& ok = metrics.store_operation(operation, "ok");
  auto& unavailable = metrics.store_operation(operation, "unavailable");
  return [=, &ok, &unavailable](std::span<LaneJob* const> jobs, ports::Deadline deadline) {
    std::vector<Key> keys;
    keys.reserve(jobs.size());
    for (LaneJob* const base : jobs) keys.push_back(static_cast<Job&>(*base).*key);
    auto answers = look_up(keys, deadline);
    (answers ? ok : unavailable).Increment();
    if (health != nullptr) health->landed(answers ? std::nullopt : std::optional(answers.error()), deadline);
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

}  // namespace tps::lanes
