// Whether the flights of a lane do what they are for. The lane's thread reports each flight, and the log gets one line
// when a trouble begins, with the database's own words, and one when it is over, however many requests it fails.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "ports/fault.hpp"

namespace tps::lanes {

class LaneHealth {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // Asks the database, on the lane's own session, whether it can be used at all; nullopt: it can.
  using Probe = std::function<std::optional<ports::StoreFault>(ports::Deadline)>;

  LaneHealth(std::string lane, Probe probe);

  // The lane's thread. After each flight: what became of it; nullopt: all well. A probe ends soon after the deadline.
  void landed(const std::optional<ports::StoreFault>& fault, ports::Deadline deadline,
              Time now = std::chrono::steady_clock::now());
  // Now and then while nothing flies: a lane that no request uses any more finds out by itself that all is well again.
  void idle(ports::Deadline deadline, Time now = std::chrono::steady_clock::now());

  [[nodiscard]] const std::string& name() const { return lane_; }

  // Any thread. Why the lane serves nothing at the moment; nullopt: it does. A flight that failed for a reason of its
  // own (a slow statement, a lock) is none.
  [[nodiscard]] std::optional<ports::StoreFault> trouble() const;

 private:
  void begin(const ports::StoreFault& fault);
  void end_if_over(Time now);
  void set_trouble(std::optional<ports::StoreFault> fault);

  const std::string lane_;
  const Probe probe_;
  // Only the lane's thread.
  bool probed_ = false;       // at least once
  bool logged_ = false;       // that a trouble began
  int failures_ = 0;          // flights since then
  bool lasting_ = false;      // the last of them failed for a reason that a probe cannot tell to be over
  bool works_since_ = false;  // something went well after it
  Time last_failure_{};

  mutable std::mutex mutex_;
  std::optional<ports::StoreFault> trouble_;  // under mutex_
};

}  // namespace tps::lanes
