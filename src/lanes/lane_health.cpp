#include "lanes/lane_health.hpp"

#include <algorithm>
#include <utility>

#include "ops/log.hpp"

namespace tps::lanes {
namespace {

using ports::StoreFault;
using std::chrono::steady_clock;

// Without a failure for so long, a trouble is over; failures that come and go are one.
constexpr std::chrono::seconds kQuiet{5};
// A probe changes nothing, so that it cannot tell whether a write would succeed again. After so long, requests may try.
constexpr std::chrono::seconds kWorthAnotherTry{10};

// The flight may have used up its own time.
constexpr std::chrono::milliseconds kProbeTime{500};

// Faults of which every further flight will be the victim, whatever a probe says.
bool is_lasting(StoreFault::Kind kind) {
  return kind != StoreFault::Kind::unavailable && kind != StoreFault::Kind::unknown &&
         kind != StoreFault::Kind::clock_wrong && kind != StoreFault::Kind::refused;
}

}  // namespace

LaneHealth::LaneHealth(std::string lane, Probe probe) : lane_(std::move(lane)), probe_(std::move(probe)) {}

void LaneHealth::landed(const std::optional<StoreFault>& fault, ports::Deadline deadline, Time now) {
  probed_ = true;
  if (!fault) {
    if (!logged_) return;
    works_since_ = true;
    set_trouble(std::nullopt);
    end_if_over(now);
    return;
  }
  last_failure_ = now;
  works_since_ = false;
  lasting_ = is_lasting(fault->kind);
  ++failures_;
  begin(*fault);
  set_trouble(lasting_ ? fault : probe_(std::max(deadline, now + kProbeTime)));
}

void LaneHealth::idle(ports::Deadline deadline, Time now) {
  if (!probed_) {
    landed(probe_(deadline), deadline, now);
    return;
  }
  if (!logged_) return;
  if (trouble() && (!lasting_ || now - last_failure_ >= kWorthAnotherTry)) set_trouble(probe_(deadline));
  if (!lasting_ && !trouble()) works_since_ = true;
  end_if_over(now);
}

std::optional<StoreFault> LaneHealth::trouble() const {
  const std::scoped_lock lock(mutex_);
  return trouble_;
}

void LaneHealth::set_trouble(std::optional<StoreFault> fault) {
  const std::scoped_lock lock(mutex_);
  trouble_ = std::move(fault);
}

void LaneHealth::begin(const StoreFault& fault) {
  if (logged_) return;
  logged_ = true;
  ops::log(ops::Level::warn, "requests fail", {{"lane", lane_}, {"detail", fault.detail}});
}

void LaneHealth::end_if_over(Time now) {
  if (!works_since_ || now - last_failure_ < kQuiet) return;
  logged_ = false;
  ops::log(ops::Level::info, "requests succeed again",
           {{"lane", lane_}, {"flights_failed", std::to_string(std::exchange(failures_, 0))}});
}

}  // namespace tps::lanes
