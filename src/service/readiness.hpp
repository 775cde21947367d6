// Whether this instance can serve, asked of the store about once a second and remembered, so that /readiness costs the
// store nothing however often it is asked. Thread-safe.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "ops/metrics.hpp"
#include "service/ports.hpp"

namespace tps::service {

class Readiness {
 public:
  // `session` is this object's own and must outlive it. Ready at first: whoever builds the program has opened the
  // store.
  Readiness(Store& session, ops::Metrics& metrics);
  ~Readiness();  // stop()
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  // nullopt: ready. Else one sentence saying why not.
  [[nodiscard]] std::optional<std::string> reason_not_ready() const;

  // Not ready from now on.
  void drain();
  void stop();

 private:
  void run();
  void set_reason(std::optional<std::string> reason);

  Store& session_;
  ops::Metrics& metrics_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Under mutex_.
  std::optional<std::string> reason_;
  bool draining_ = false;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace tps::service
