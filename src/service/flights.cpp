#include "service/flights.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "lanes/look_up.hpp"

namespace tps::service {
namespace {

using domain::Acceptance;
using domain::Submission;

std::vector<Submission*> gather(std::span<lanes::LaneJob* const> jobs) {
  std::vector<Submission*> flight;
  std::uint32_t groups = 0;
  for (lanes::LaneJob* const base : jobs) {
    auto& job = static_cast<SubmitJob&>(*base);
    if (job.atomic) ++groups;
    for (Submission& submission : job.submissions) {
      submission.group = job.atomic ? groups : 0;
      flight.push_back(&submission);
    }
  }
  return flight;
}

using FaultOfPartition = std::map<std::uint32_t, ports::StoreFault>;

// A store appends to one partition at a time. The order within a partition stays.
FaultOfPartition append_by_partition(ports::Store& session, std::vector<Submission*>& flight, domain::Timestamp now,
                                     ports::Deadline deadline) {
  const auto partition = [](const Submission* item) { return item->transaction.partition; };
  std::ranges::stable_sort(flight, {}, partition);
  FaultOfPartition faults;
  for (auto begin = flight.begin(); begin != flight.end();) {
    const auto end =
        std::find_if(begin, flight.end(), [&](Submission* item) { return partition(item) != partition(*begin); });
    if (auto fault = session.append({begin, end}, now, deadline)) faults.emplace(partition(*begin), std::move(*fault));
    begin = end;
  }
  return faults;
}

// The fault of the partition of the job's first submission that has one.
std::optional<ports::StoreFault> fault_of(const SubmitJob& job, const FaultOfPartition& faults) {
  for (const Submission& submission : job.submissions) {
    const auto fault = faults.find(submission.transaction.partition);
    if (fault != faults.end()) return fault->second;
  }
  return std::nullopt;
}

// How appends end, by submission.
class AppendOutcomes {
 public:
  explicit AppendOutcomes(ops::Metrics& metrics)
      : ok_(metrics.store_operation("append", "ok")),
        refused_(metrics.store_operation("append", "refused")),
        unavailable_(metrics.store_operation("append", "unavailable")),
        unknown_(metrics.store_operation("append", "unknown")) {}

  void count(std::span<Submission* const> flight) const {
    for (const Submission* item : flight) counter_of(item->acceptance).Increment();
  }

 private:
  [[nodiscard]] prometheus::Counter& counter_of(Acceptance acceptance) const {
    switch (acceptance) {
      case Acceptance::accepted:
      case Acceptance::replayed:
        return ok_;
      case Acceptance::unavailable:
        return unavailable_;
      case Acceptance::unknown:
        return unknown_;
      default:
        return refused_;
    }
  }

  prometheus::Counter& ok_;
  prometheus::Counter& refused_;
  prometheus::Counter& unavailable_;
  prometheus::Counter& unknown_;
};

}  // namespace

lanes::Lane::Fly submit_flight(ports::Store& session, domain::Clock clock, std::function<void()> accepted,
                               ops::Metrics& metrics, lanes::LaneHealth* health) {
  return [&session, clock = std::move(clock), accepted = std::move(accepted), outcomes = AppendOutcomes(metrics),
          health](std::span<lanes::LaneJob* const> jobs, ports::Deadline deadline) {
    std::vector<Submission*> flight = gather(jobs);
    const FaultOfPartition faults = append_by_partition(session, flight, clock(), deadline);
    outcomes.count(flight);
    const auto is_accepted = [](const Submission* item) { return item->acceptance == Acceptance::accepted; };
    if (std::ranges::any_of(flight, is_accepted)) accepted();
    for (lanes::LaneJob* const base : jobs) {
      auto& job = static_cast<SubmitJob&>(*base);
      job.fault = fault_of(job, faults);
    }
    if (health != nullptr) {
      health->landed(faults.empty() ? std::nullopt : std::optional(faults.begin()->second), deadline);
    }
  };
}

lanes::Lane::Fly find_flight(ports::Store& session, ops::Metrics& metrics, lanes::LaneHealth* health) {
  const auto look_up = [&session](std::span<const std::int64_t> ids, ports::Deadline deadline) {
    return session.find(ids, deadline);
  };
  return lanes::look_up_flight(&FindJob::id, &FindJob::found, look_up, metrics, "find", health);
}

lanes::Lane::Fly query_flight(ports::Store& session, lanes::LaneHealth* health) {
  return [&session, health](std::span<lanes::LaneJob* const> jobs, ports::Deadline deadline) {
    for (lanes::LaneJob* const base : jobs) {
      const auto fault = static_cast<QueryJob&>(*base).run(session, deadline);
      if (health != nullptr) health->landed(fault, deadline);
    }
  };
}

lanes::Lane::Fly cache_flight(ports::Cache& cache, const ports::History& history) {
  return [&cache, &history](std::span<lanes::LaneJob* const> jobs, ports::Deadline deadline) {
    const ports::History::Now now = history.now();
    if (now.lineage.empty()) return;
    std::vector<std::int64_t> ids;
    std::vector<CacheJob*> askers;
    std::vector<const domain::Transaction*> puts;
    for (lanes::LaneJob* const base : jobs) {
      auto& job = static_cast<CacheJob&>(*base);
      if (job.generation != now.generation) continue;
      if (job.put != nullptr) {
        puts.push_back(job.put);
      } else {
        ids.push_back(job.id);
        askers.push_back(&job);
      }
    }
    if (!ids.empty()) {
      auto found = cache.get(now.lineage, ids, deadline);
      for (std::size_t i = 0; i < askers.size(); ++i) askers[i]->found = std::move(found[i]);
    }
    if (!puts.empty()) cache.put(now.lineage, puts, deadline);
  };
}

}  // namespace tps::service
