#include "files/import_flight.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <unordered_set>
#include <vector>

namespace tps::files {
namespace {

using domain::Acceptance;
using domain::Submission;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kFlightBudget{10};
constexpr std::chrono::seconds kPingBudget{2};
constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::milliseconds kLongestPause{2'000};

constexpr bool is_open(Acceptance acceptance) {
  return acceptance == Acceptance::undecided || acceptance == Acceptance::unavailable ||
         acceptance == Acceptance::unknown;
}

// One flight for each partition, of what is not decided yet. True: everything is.
bool fly_once(ports::Store& store, std::span<Submission> batch, std::unordered_set<const Submission*>& in_doubt,
              const Persistence& persistence) {
  std::map<std::uint32_t, std::vector<Submission*>> flights;
  for (Submission& item : batch) {
    if (!is_open(item.acceptance)) continue;
    item.acceptance = Acceptance::undecided;
    flights[item.transaction.partition].push_back(&item);
  }
  bool decided = true;
  for (auto& [partition, flight] : flights) {
    store.append(flight, persistence.now(), steady_clock::now() + kFlightBudget);
    for (Submission* item : flight) {
      if (item->acceptance == Acceptance::unknown) in_doubt.insert(item);
      if (item->acceptance == Acceptance::replayed && in_doubt.contains(item)) item->acceptance = Acceptance::accepted;
      if (is_open(item->acceptance)) decided = false;
    }
  }
  return decided;
}

}  // namespace

std::expected<void, std::string> fly(ports::Store& store, std::span<Submission> batch, const Persistence& persistence) {
  std::unordered_set<const Submission*> in_doubt;
  std::chrono::milliseconds pause = kFirstPause;
  std::optional<steady_clock::time_point> give_up;
  while (!fly_once(store, batch, in_doubt, persistence)) {
    if (!give_up) give_up = steady_clock::now() + persistence.patience;
    const auto reachable = store.ping(steady_clock::now() + kPingBudget);
    const std::string why = reachable ? "the database does not accept transactions" : reachable.error().detail;
    const bool hopeless = !reachable && reachable.error().kind == ports::StoreFault::Kind::incompatible;
    if (hopeless) return std::unexpected(why);
    if (steady_clock::now() >= *give_up) {
      const auto patience = std::chrono::floor<std::chrono::seconds>(persistence.patience);
      return std::unexpected(fmt::format("gave up after {} s: {}", patience.count(), why));
    }
    if (persistence.pause(pause)) return std::unexpected("interrupted");
    pause = std::min(pause * 2, kLongestPause);
  }
  return {};
}

}  // namespace tps::files
