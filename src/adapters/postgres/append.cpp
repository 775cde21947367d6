#include "adapters/postgres/append.hpp"

#include <algorithm>

#include "adapters/postgres/resolve.hpp"
#include "adapters/postgres/stuck_holder.hpp"
#include "ports/fault.hpp"

namespace tps::postgres {
namespace {

using domain::Acceptance;
using domain::Submission;
using ports::Deadline;
using ports::StoreFault;

constexpr int kAttempts = 2;

// The place nearest to the middle that does not tear an atomic group; 0 if there is none.
std::size_t middle(FlightSpan flight) {
  const auto tears = [&](std::size_t place) {
    return flight[place]->group != 0 && flight[place]->group == flight[place - 1]->group;
  };
  const std::size_t half = flight.size() / 2;
  for (std::size_t away = 0; away < flight.size(); ++away) {
    if (half > away && !tears(half - away)) return half - away;
    if (half + away < flight.size() && half + away > 0 && !tears(half + away)) return half + away;
  }
  return 0;
}

bool is_lost(const Submission* item) {
  return item->acceptance == Acceptance::unavailable || item->acceptance == Acceptance::unknown;
}

void decide_all(FlightSpan flight, Acceptance verdict) {
  for (Submission* item : flight) {
    if (item->acceptance == Acceptance::undecided) item->acceptance = verdict;
  }
}

// A value was refused: the two halves fly again, in order, so that in the end the culprit fails alone.
std::optional<StoreFault> fly_halves(Session& session, FlightSpan flight, domain::Timestamp now, Deadline deadline) {
  const std::size_t place = flight.size() > 1 ? middle(flight) : 0;
  if (place == 0) {
    decide_all(flight, Acceptance::unprocessable);
    return std::nullopt;
  }
  auto first = append(session, flight.first(place), now, deadline);
  auto second = append(session, flight.subspan(place), now, deadline);
  return second ? second : first;
}

}  // namespace

std::optional<StoreFault> append(Session& session, FlightSpan flight, domain::Timestamp now, Deadline deadline) {
  const std::uint32_t partition = flight.front()->transaction.partition;
  std::optional<StoreFault> fault;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (auto usable = session.ready(deadline); !usable) {
      fault = std::move(usable.error());
      break;
    }
    FlightRecord record;
    const Landing landing = fly_once(session, flight, now, deadline, record);
    fault = std::move(record.fault);
    switch (landing) {
      case Landing::committed:
        return std::nullopt;
      case Landing::in_doubt:
        resolve(session, flight, record, deadline);
        return std::ranges::any_of(flight, is_lost) ? std::move(fault) : std::nullopt;
      case Landing::value_refused:
        domain::undo(flight, domain::kNothingCertain, Acceptance::undecided);
        // Perhaps another partition recorded the same currency at the same time. Now it is there, and no longer first.
        if (record.records_currencies && attempt == 0) continue;
        return fly_halves(session, flight, now, deadline);
      case Landing::blocked:
        end_partition_holder(session, partition, deadline);
        [[fallthrough]];
      case Landing::repeat:
        domain::undo(flight, domain::kNothingCertain, Acceptance::undecided);
        continue;
      case Landing::failed:
        break;
    }
    break;
  }
  domain::undo(flight, domain::kNothingCertain, Acceptance::unavailable);
  decide_all(flight, Acceptance::unavailable);
  return fault ? std::move(fault) : StoreFault{StoreFault::Kind::unavailable, "the flight was not committed"};
}

}  // namespace tps::postgres
