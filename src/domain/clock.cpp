#include "domain/clock.hpp"

namespace tps::domain {
namespace {

std::chrono::seconds seconds_between(Timestamp earlier, Timestamp later) {
  // Seconds first: the times of a damaged row may be further apart than microseconds can count.
  const auto floor = [](Timestamp time) { return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch(); };
  return floor(later) - floor(earlier);
}

}  // namespace

std::optional<ClockFault> clock_fault(Timestamp now, Timestamp reference, Timestamp log_end) {
  using Kind = ClockFault::Kind;
  if (now > reference + kClockTolerance) return ClockFault{Kind::ahead, seconds_between(reference, now)};
  if (now < reference - kClockTolerance) return ClockFault{Kind::behind, seconds_between(now, reference)};
  if (log_end > reference + kClockTolerance) return ClockFault{Kind::log_ahead, seconds_between(reference, log_end)};
  return std::nullopt;
}

std::chrono::microseconds clock_skew(Timestamp before, Timestamp after, Timestamp reference) {
  if (before > reference) return before - reference;
  if (after < reference) return after - reference;
  return {};
}

std::string sentence(const ClockFault& fault) {
  const std::string by = std::to_string(fault.by.count()) + " s ";
  switch (fault.kind) {
    case ClockFault::Kind::ahead:
      return "the clock of this instance is " + by + "ahead";
    case ClockFault::Kind::behind:
      return "the clock of this instance is " + by + "behind";
    case ClockFault::Kind::log_ahead:
      return "the log ends " + by + "in the future";
  }
  return {};
}

Timestamp SteadyReference::at(Timestamp now, std::chrono::microseconds passed) {
  if (!start_) start_ = now - passed;
  const Timestamp expected = *start_ + passed;
  if (now <= expected + kClockTolerance && now >= expected - kClockTolerance) start_ = now - passed;
  return expected;
}

}  // namespace tps::domain
