#include "service/readiness.hpp"

#include <chrono>
#include <utility>

#include "ops/log.hpp"

namespace tps::service {
namespace {

constexpr std::chrono::milliseconds kInterval{1'000};
// While the store is away, so that its return is noticed soon.
constexpr std::chrono::milliseconds kIntervalWhileNotReady{200};
constexpr std::chrono::milliseconds kPingBudget{2'000};

}  // namespace

Readiness::Readiness(Store& session, ops::Metrics& metrics) : session_(session), metrics_(metrics) {
  metrics_.ready.Set(1);
  thread_ = std::thread([this] { run(); });
}

Readiness::~Readiness() { stop(); }

std::optional<std::string> Readiness::reason_not_ready() const {
  const std::scoped_lock lock(mutex_);
  if (draining_) return "draining";
  return reason_;
}

void Readiness::drain() {
  const std::scoped_lock lock(mutex_);
  draining_ = true;
  metrics_.ready.Set(0);
}

void Readiness::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Readiness::run() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      const auto interval = reason_ ? kIntervalWhileNotReady : kInterval;
      if (changed_.wait_for(lock, interval, [this] { return stopping_; })) return;
    }
    const auto answer = session_.ping(std::chrono::steady_clock::now() + kPingBudget);
    if (answer) {
      set_reason(std::nullopt);
    } else {
      const bool incompatible = answer.error().kind == StoreFault::Kind::incompatible;
      set_reason(incompatible ? answer.error().detail : "the store cannot be reached");
      ops::log(ops::Level::debug, "store ping failed", {{"detail", answer.error().detail}});
    }
  }
}

void Readiness::set_reason(std::optional<std::string> reason) {
  const std::scoped_lock lock(mutex_);
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

}  // namespace tps::service
