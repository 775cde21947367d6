// Whether this instance can serve, and how far settlement is behind: asked of the store about once a second and
// remembered, so that /readiness and /metrics cost the store nothing however often they are asked. Thread-safe.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "domain/clock.hpp"
#include "ops/metrics.hpp"
#include "ports/store.hpp"
#include "service/flights.hpp"

namespace tps::service {

struct NotReady {
  bool draining = false;
  std::string reason;  // one sentence
};

class ReadinessCheck {
 public:
  // `session` is this object's own and must outlive it. Ready at first: the program opens the store before it makes
  // this object.
  ReadinessCheck(ports::Store& session, std::uint32_t partitions, domain::Clock clock, ops::Metrics& metrics);
  ~ReadinessCheck();  // stop()
  ReadinessCheck(const ReadinessCheck&) = delete;
  ReadinessCheck& operator=(const ReadinessCheck&) = delete;

  // nullopt: ready.
  [[nodiscard]] std::optional<NotReady> not_ready() const;

  // Not ready from now on.
  void drain();
  void stop();

 private:
  void run();
  void set_reason(std::optional<std::string> reason);
  void report_backlog();

  const std::uint32_t partitions_;
  const domain::Clock clock_;
  ports::Store& session_;
  ops::Metrics& metrics_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Under mutex_.
  std::optional<std::string> reason_;
  std::optional<ports::Deadline> answer_due_;  // while the store is being asked
  bool draining_ = false;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace tps::service
