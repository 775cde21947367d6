#include "service/readiness.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "lanes/refusal.hpp"
#include "ops/log.hpp"

namespace tps::service {
namespace {

using domain::ErrorCode;

constexpr std::chrono::milliseconds kInterval{1'000};
// While the store is away, so that its return is noticed soon.
constexpr std::chrono::milliseconds kIntervalWhileNotReady{200};
constexpr std::chrono::milliseconds kPingBudget{2'000};
constexpr double kUnknownBacklog = std::numeric_limits<double>::quiet_NaN();

// For clients, too, so no words of the database, but for those about its schema.
std::string reason_of(const ports::StoreFault& fault) {
  using ports::StoreFault;
  switch (fault.cause) {
    case StoreFault::Cause::full:
      return "the database is full";
    case StoreFault::Cause::refuses:
      return "the database refuses operations";
    case StoreFault::Cause::damaged:
      return "the database is damaged or gone";
    case StoreFault::Cause::unreachable:
      break;
  }
  return fault.kind == StoreFault::Kind::incompatible ? fault.detail : "the database is unreachable";
}
double seconds_of(std::chrono::microseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

ReadinessCheck::ReadinessCheck(ports::Store& session, std::uint32_t partitions, domain::Clock clock,
                               std::vector<ServingPart> parts, ops::Metrics& metrics)
    : partitions_(partitions),
      clock_(std::move(clock)),
      parts_(std::move(parts)),
      session_(session),
      metrics_(metrics) {
  metrics_.ready.Set(1);
  metrics_.clock_skew_seconds.Set(kUnknownBacklog);
  // Series that are there from the start can be told from those that are missing.
  for (std::uint32_t partition = 0; partition < partitions_; ++partition) {
    metrics_.backlog(partition).Set(kUnknownBacklog);
    metrics_.oldest_pending_seconds(partition).Set(kUnknownBacklog);
    metrics_.log_ahead_seconds(partition).Set(kUnknownBacklog);
  }
  thread_ = std::thread([this] { run(); });
}

ReadinessCheck::~ReadinessCheck() { stop(); }

std::optional<NotReady> ReadinessCheck::not_ready() const {
  const std::scoped_lock lock(mutex_);
  if (draining_) return NotReady{ErrorCode::draining, "this instance is shutting down"};
  if (answer_due_ && std::chrono::steady_clock::now() > *answer_due_) {
    return NotReady{.reason = "the database does not answer"};
  }
  return reason_;
}

void ReadinessCheck::drain() {
  const std::scoped_lock lock(mutex_);
  draining_ = true;
  metrics_.ready.Set(0);
}

void ReadinessCheck::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ReadinessCheck::run() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      const auto interval = reason_ ? kIntervalWhileNotReady : kInterval;
      if (changed_.wait_for(lock, interval, [this] { return stopping_; })) return;
      answer_due_ = std::chrono::steady_clock::now() + kPingBudget + kInterval;
    }
    set_reason(look());
  }
}

std::optional<ReadinessCheck::Reason> ReadinessCheck::look() {
  const domain::Timestamp before = clock_();
  const auto pong = session_.ping(std::chrono::steady_clock::now() + kPingBudget);
  if (!pong) {
    return Reason{{ports::code_of(pong.error().cause), reason_of(pong.error())}, pong.error().detail};
  }
  {
    const std::scoped_lock lock(mutex_);
    answer_due_.reset();  // the figures below have their own time
  }
  if (pong->wal_bytes) metrics_.sqlite_wal_bytes().Set(static_cast<double>(*pong->wal_bytes));
  const auto wrong = pong->time ? report_clock(before, *pong->time) : std::nullopt;
  const LogsAhead ahead = report_logs(pong->time.value_or(before));
  log_clock(wrong ? wrong : ahead.fault);
  // An instance that can write to one of several logs serves.
  const auto fault = wrong || ahead.count < partitions_ ? wrong : ahead.fault;
  if (fault) return Reason{{ErrorCode::clock_wrong, sentence(*fault)}, {}};
  return part_in_trouble();
}

std::optional<ReadinessCheck::Reason> ReadinessCheck::part_in_trouble() const {
  for (const ServingPart& part : parts_) {
    const auto fault = part.trouble();
    if (!fault) continue;
    const domain::Error error = lanes::error_of(*fault);
    return Reason{{error.code, part.name + " fails" + (error.detail.empty() ? "" : ": " + error.detail)},
                  fault->detail};
  }
  return std::nullopt;
}

void ReadinessCheck::set_reason(std::optional<Reason> reason) {
  const std::scoped_lock lock(mutex_);
  answer_due_.reset();
  // The sentence about a clock has a number in it that changes.
  const bool is_new = reason && (!reason_ || reason_->code != reason->told.code ||
                                 (reason_->code != ErrorCode::clock_wrong && reason_->reason != reason->told.reason));
  if (is_new) {
    ops::log(ops::Level::warn, "not ready", {{"reason", reason->told.reason}, {"detail", reason->detail}});
  } else if (!reason && reason_) {
    ops::log(ops::Level::info, "ready again");
  }
  reason_ = reason ? std::optional(std::move(reason->told)) : std::nullopt;
  metrics_.ready.Set(reason_ || draining_ ? 0 : 1);
}

// Flights compare the clock, too, each for itself. This tells operators, also while there are none.
std::optional<domain::ClockFault> ReadinessCheck::report_clock(domain::Timestamp before, domain::Timestamp reference) {
  const auto skew = domain::clock_skew(before, clock_(), reference);
  metrics_.clock_skew_seconds.Set(seconds_of(skew));
  return domain::clock_fault(reference + skew, reference, {});
}

// A figure that cannot be had is not a number, rather than the last one that could.
ReadinessCheck::LogsAhead ReadinessCheck::report_logs(domain::Timestamp now) {
  bool reachable = true;
  LogsAhead ahead;
  for (std::uint32_t partition = 0; partition < partitions_; ++partition) {
    double pending = kUnknownBacklog;
    double age = kUnknownBacklog;
    double ahead_by = kUnknownBacklog;
    if (reachable) {
      const auto backlog = session_.backlog(partition, std::chrono::steady_clock::now() + kPingBudget);
      reachable = backlog.has_value();
      if (backlog) {
        const domain::Timestamp newest = backlog->newest.value_or(now);
        pending = static_cast<double>(backlog->pending);
        age = backlog->oldest ? seconds_of(now - *backlog->oldest) : 0.0;
        ahead_by = std::max(0.0, seconds_of(newest - now));
        if (const auto wrong = domain::clock_fault(now, now, newest)) {
          ++ahead.count;
          ahead.fault = wrong;
        }
      }
    }
    metrics_.backlog(partition).Set(pending);
    metrics_.oldest_pending_seconds(partition).Set(age);
    metrics_.log_ahead_seconds(partition).Set(ahead_by);
  }
  return ahead;
}

// Once when it begins and once when it ends.
void ReadinessCheck::log_clock(const std::optional<domain::ClockFault>& fault) {
  if (fault.has_value() == clock_logged_) return;
  clock_logged_ = fault.has_value();
  if (fault) {
    ops::log(ops::Level::error, "the time is wrong, so nothing is written", {{"detail", sentence(*fault)}});
  } else {
    ops::log(ops::Level::error, "the time is right again");
  }
}

}  // namespace tps::service
