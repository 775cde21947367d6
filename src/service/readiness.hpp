// Whether this instance can serve, how far settlement is behind, and whether the clock is right: asked of the store
// about once a second and remembered, so that /readiness and /metrics cost the store nothing however often they are
// asked. An instance serves if the store answers, its clock is right, and the lanes that requests use are healthy, as
// is settlement if it is inside. Thread-safe.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "domain/clock.hpp"
#include "domain/error.hpp"
#include "ops/metrics.hpp"
#include "ports/store.hpp"

namespace tps::service {

// A part of the program that requests depend on, and its fault while it serves nothing. Any thread may ask.
struct ServingPart {
  std::string name;
  std::function<std::optional<ports::StoreFault>()> trouble;
};

struct NotReady {
  domain::ErrorCode code = domain::ErrorCode::store_unavailable;
  std::string reason;  // one sentence, without what only operators may see
};

class ReadinessCheck {
 public:
  // `session` is this object's own; everything given must outlive it. Ready at first: the program opens
  // the store before it makes this object.
  ReadinessCheck(ports::Store& session, std::uint32_t partitions, domain::Clock clock, std::vector<ServingPart> parts,
                 ops::Metrics& metrics);
  ~ReadinessCheck();  // stop()
  ReadinessCheck(const ReadinessCheck&) = delete;
  ReadinessCheck& operator=(const ReadinessCheck&) = delete;

  // nullopt: ready.
  [[nodiscard]] std::optional<NotReady> not_ready() const;

  // Not ready from now on.
  void drain();
  void stop();

 private:
  struct Reason {
    NotReady told;
    std::string detail;  // for the log
  };

  void run();
  std::optional<Reason> look();
  [[nodiscard]] std::optional<Reason> part_in_trouble() const;
  void set_reason(std::optional<Reason> reason);
  // How many logs end in the future, and by how much one does.
  struct LogsAhead {
    std::uint32_t count = 0;
    std::optional<domain::ClockFault> fault;
  };
  std::optional<domain::ClockFault> report_clock(domain::Timestamp before, domain::Timestamp reference);
  LogsAhead report_logs(domain::Timestamp now);
  void log_clock(const std::optional<domain::ClockFault>& fault);

  const std::uint32_t partitions_;
  const domain::Clock clock_;
  const std::vector<ServingPart> parts_;
  ports::Store& session_;
  ops::Metrics& metrics_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Under mutex_.
  std::optional<NotReady> reason_;
  std::optional<ports::Deadline> answer_due_;  // while the store is being asked
  bool draining_ = false;
  bool stopping_ = false;

  bool clock_logged_ = false;  // that the time is wrong; only the thread

  std::thread thread_;
};

}  // namespace tps::service
