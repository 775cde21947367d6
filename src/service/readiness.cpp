#include "service/readiness.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "ops/log.hpp"

namespace tps::service {
namespace {

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

}  // namespace

ReadinessCheck::ReadinessCheck(ports::Store& session, std::uint32_t partitions, domain::Clock clock,
                               ops::Metrics& metrics)
    : partitions_(partitions), clock_(std::move(clock)), session_(session), metrics_(metrics) {
  metrics_.ready.Set(1);
  // Series that are there from the start can be told from those that are missing.
  for (std::uint32_t partition = 0; partition < partitions_; ++partition) {
    metrics_.backlog(partition).Set(kUnknownBacklog);
    metrics_.oldest_pending_seconds(partition).Set(kUnknownBacklog);
  }
  thread_ = std::thread([this] { run(); });
}

ReadinessCheck::~ReadinessCheck() { stop(); }

std::optional<NotReady> ReadinessCheck::not_ready() const {
  const std::scoped_lock lock(mutex_);
  if (draining_) return NotReady{.draining = true, .reason = "this instance is shutting down"};
  if (answer_due_ && std::chrono::steady_clock::now() > *answer_due_) {
    return NotReady{.reason = "the database does not answer"};
  }
  if (!reason_) return std::nullopt;
  return NotReady{.reason = *reason_};
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
    const auto answer = session_.ping(std::chrono::steady_clock::now() + kPingBudget);
    if (answer) {
      set_reason(std::nullopt);
      report_backlog();
    } else {
      set_reason(reason_of(answer.error()));
      ops::log(ops::Level::debug, "store ping failed", {{"detail", answer.error().detail}});
    }
  }
}

void ReadinessCheck::set_reason(std::optional<std::string> reason) {
  const std::scoped_lock lock(mutex_);
  answer_due_.reset();
  if (reason != reason_) {
    if (reason) {
      ops::log(ops::Level::warn, "not ready", {{"reason", *reason}});
    } else {
      ops::log(ops::Level::info, "ready again");
    }
  }
  reason_ = std::move(reason);
  metrics_.ready.Set(reason_ || draining_ ? 0 : 1);
}

// A figure that cannot be had is not a number, rather than the last one that could.
void ReadinessCheck::report_backlog() {
  bool reachable = true;
  for (std::uint32_t partition = 0; partition < partitions_; ++partition) {
    double pending = kUnknownBacklog;
    double age = kUnknownBacklog;
    if (reachable) {
      const auto backlog = session_.backlog(partition, std::chrono::steady_clock::now() + kPingBudget);
      reachable = backlog.has_value();
      if (backlog) {
        pending = static_cast<double>(backlog->pending);
        age = backlog->oldest ? std::chrono::duration<double>(clock_() - *backlog->oldest).count() : 0.0;
      }
    }
    metrics_.backlog(partition).Set(pending);
    metrics_.oldest_pending_seconds(partition).Set(age < 0 ? 0 : age);
  }
}

}  // namespace tps::service
