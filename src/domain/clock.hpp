// Time comes in as an argument: rules get a Timestamp, and what runs on and on gets a Clock. And the rule that keeps a
// wrong clock from writing: the times of a log never run back, so one transaction from a clock that is a day ahead
// would give its time to all others for a day.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "domain/transaction.hpp"

namespace tps::domain {

using Clock = std::function<Timestamp()>;

// How far a clock may be from its reference, and the end of a log ahead of it.
inline constexpr std::chrono::seconds kClockTolerance{10};

struct ClockFault {
  enum class Kind : std::uint8_t {
    ahead,      // this process's clock, of its reference
    behind,     // likewise
    log_ahead,  // the log ends in the future
  };
  Kind kind = Kind::ahead;
  std::chrono::seconds by{};

  bool operator==(const ClockFault&) const = default;
};

// Whether something that happens now may be written to a log whose latest time is `log_end`. `reference` is the time by
// a clock that `now` is compared with. nullopt: it may.
std::optional<ClockFault> clock_fault(Timestamp now, Timestamp reference, Timestamp log_end);

// How far a clock is ahead of its reference (below 0: behind), which was read between two looks at the clock: the
// least that is possible.
std::chrono::microseconds clock_skew(Timestamp before, Timestamp after, Timestamp reference);

// One sentence for operators.
std::string sentence(const ClockFault& fault);

// The reference of a process that has no other clock to ask: what its clock said before, and the time that has passed
// since by a clock that nothing can set. A clock that was wrong from the start goes unnoticed, a change does not. Small
// corrections are followed.
class SteadyReference {
 public:
  // The time that `now` is to be compared with. `passed`: since any moment, the same in all calls.
  Timestamp at(Timestamp now, std::chrono::microseconds passed);

 private:
  std::optional<Timestamp> start_;  // when nothing had passed
};

}  // namespace tps::domain
