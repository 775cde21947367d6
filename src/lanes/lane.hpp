// A lane: one bounded queue and one thread. The thread takes everything that waits (up to a maximum), does it
// in one round trip, and completes each waiter on that waiter's own IO thread. While one flight is under way, the
// next one gathers: that is group commit, and the only performance mechanism there is.
//
// Usage, inside a coroutine on an IO thread:
//     SubmitJob job(...);                        // derives from LaneJob, lives in the coroutine's frame
//     const LaneVerdict verdict = co_await lane.submit(job, deadline);
//     if (verdict == LaneVerdict::done) use(job);
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "lanes/resumption.hpp"
#include "ops/metrics.hpp"
#include "ports/fault.hpp"

namespace tps::lanes {

enum class LaneVerdict : std::uint8_t {
  done,     // the flight ran; the job has its results
  full,     // refused at once: the queue is at its limit; nothing was done
  expired,  // still waiting when too little time was left; nothing was done
  stopped,  // the lane is shutting down; nothing was done
};

// A unit of work that waits in a lane. Owned by the waiting coroutine; the lane holds it from submit() until
// completion.
class LaneJob {
 public:
  LaneJob() = default;
  LaneJob(const LaneJob&) = delete;
  LaneJob& operator=(const LaneJob&) = delete;

 protected:
  ~LaneJob() = default;

 private:
  friend class Lane;
  std::size_t weight_ = 1;
  ports::Deadline deadline_{};
  std::chrono::steady_clock::time_point queued_at_{};
  LaneVerdict verdict_ = LaneVerdict::done;
  Resumption resumption_;
};

struct LaneOptions {
  std::string name;                         // label of the metrics: submit, read, query, cache
  std::size_t capacity = 20'000;            // sum of weights that may wait
  std::size_t max_flight = 2'000;           // sum of weights taken at once (a heavier single job flies alone)
  std::chrono::milliseconds budget{3'000};  // longest a flight may take; less time left than this = expired
};

class Lane {
 public:
  // Runs on the lane's thread with jobs in the order they were submitted; must return by the deadline.
  using Fly = std::function<void(std::span<LaneJob* const>, ports::Deadline)>;
  // Runs there about once a second while nothing waits.
  using Idle = std::function<void(ports::Deadline)>;
  Lane(LaneOptions options, ops::Metrics& metrics, Fly fly, Idle idle = {});
  ~Lane();  // stop()
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Waits on the lane; resumes on the caller's executor. `weight` is what the job counts for in the limits.
  boost::asio::awaitable<LaneVerdict> submit(LaneJob& job, ports::Deadline deadline, std::size_t weight = 1);

  // Completes what waits with `stopped`, lets the flight under way end, joins. Idempotent. The IO threads must
  // still run so that waiters can be resumed.
  void stop();

 private:
  std::optional<LaneVerdict> reserve(std::size_t weight);
  void push(LaneJob& job);
  void run();
  bool await_work(std::unique_lock<std::mutex>& lock);
  void watch();
  std::vector<LaneJob*> take_flight();
  std::vector<LaneJob*> take_expired();
  void complete(std::span<LaneJob* const> jobs, LaneVerdict verdict);

  const LaneOptions options_;
  const Fly fly_;
  const Idle idle_;
  ops::LaneMetrics& metrics_;

  std::mutex mutex_;
  std::condition_variable work_;     // run() waits on it
  std::condition_variable stopped_;  // watch() waits on it
  // Under mutex_.
  std::deque<LaneJob*> queue_;
  std::size_t queued_weight_ = 0;
  bool stopping_ = false;

  std::thread pilot_;     // takes and flies
  std::thread watchdog_;  // answers what expires in the queue while a flight is long
};

}  // namespace tps::lanes
