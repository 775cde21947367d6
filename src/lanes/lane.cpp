#include "lanes/lane.hpp"

#include <algorithm>
#include <utility>

namespace tps::lanes {
namespace {

constexpr std::chrono::milliseconds kWatchInterval{100};
constexpr std::chrono::milliseconds kIdleInterval{1'000};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Lane::Lane(LaneOptions options, ops::Metrics& metrics, Fly fly, Idle idle)
    : options_(std::move(options)),
      fly_(std::move(fly)),
      idle_(std::move(idle)),
      metrics_(metrics.lane(options_.name)) {
  pilot_ = std::thread([this] { run(); });
  watchdog_ = std::thread([this] { watch(); });
}

Lane::~Lane() { stop(); }

boost::asio::awaitable<LaneVerdict> Lane::submit(LaneJob& job, ports::Deadline deadline, std::size_t weight) {
  if (const auto refused = reserve(weight)) co_return *refused;
  job.weight_ = weight;
  job.deadline_ = deadline;
  job.queued_at_ = std::chrono::steady_clock::now();
  co_await job.resumption_.suspend([this, &job] { push(job); });
  co_return job.verdict_;
}

std::optional<LaneVerdict> Lane::reserve(std::size_t weight) {
  const std::scoped_lock lock(mutex_);
  if (stopping_) return LaneVerdict::stopped;
  // A single job heavier than the capacity may wait alone.
  if (queued_weight_ > 0 && queued_weight_ + weight > options_.capacity) {
    metrics_.shed_full.Increment();
    return LaneVerdict::full;
  }
  queued_weight_ += weight;
  return std::nullopt;
}

void Lane::push(LaneJob& job) {
  bool stopped = false;
  {
    const std::scoped_lock lock(mutex_);
    stopped = stopping_;
    if (!stopped) queue_.push_back(&job);
  }
  if (stopped) {
    LaneJob* const alone = &job;
    complete({&alone, 1}, LaneVerdict::stopped);
    return;
  }
  work_.notify_one();
}

std::vector<LaneJob*> Lane::take_flight() {
  std::vector<LaneJob*> flight;
  std::size_t weight = 0;
  while (!queue_.empty()) {
    LaneJob* const job = queue_.front();
    if (!flight.empty() && weight + job->weight_ > options_.max_flight) break;
    weight += job->weight_;
    flight.push_back(job);
    queue_.pop_front();
  }
  queued_weight_ -= weight;
  metrics_.flight_size.Observe(static_cast<double>(weight));
  metrics_.depth.Set(static_cast<double>(queued_weight_));
  return flight;
}

std::vector<LaneJob*> Lane::take_expired() {
  const auto latest_start = std::chrono::steady_clock::now() + options_.budget;
  std::vector<LaneJob*> expired;
  std::erase_if(queue_, [&](LaneJob* job) {
    if (job->deadline_ >= latest_start) return false;
    expired.push_back(job);
    queued_weight_ -= job->weight_;
    return true;
  });
  return expired;
}

// False: stopping.
bool Lane::await_work(std::unique_lock<std::mutex>& lock) {
  const auto is_over = [this] { return stopping_ || !queue_.empty(); };
  while (idle_ && !work_.wait_for(lock, kIdleInterval, is_over)) {
    lock.unlock();
    idle_(std::chrono::steady_clock::now() + options_.budget);
    lock.lock();
  }
  work_.wait(lock, is_over);
  return !stopping_;
}

void Lane::run() {
  std::unique_lock lock(mutex_);
  while (await_work(lock)) {
    const std::vector<LaneJob*> expired = take_expired();
    const std::vector<LaneJob*> flight = queue_.empty() ? std::vector<LaneJob*>{} : take_flight();
    lock.unlock();
    complete(expired, LaneVerdict::expired);
    if (!flight.empty()) {
      metrics_.wait_seconds.Observe(seconds_since(flight.front()->queued_at_));
      const auto start = std::chrono::steady_clock::now();
      fly_(flight, start + options_.budget);
      metrics_.flight_seconds.Observe(seconds_since(start));
      complete(flight, LaneVerdict::done);
    }
    lock.lock();
  }
}

void Lane::watch() {
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, kWatchInterval, [this] { return stopping_; })) {
    if (queue_.empty()) continue;
    const std::vector<LaneJob*> expired = take_expired();
    metrics_.depth.Set(static_cast<double>(queued_weight_));
    lock.unlock();
    complete(expired, LaneVerdict::expired);
    lock.lock();
  }
}

void Lane::complete(std::span<LaneJob* const> jobs, LaneVerdict verdict) {
  if (jobs.empty()) return;
  if (verdict == LaneVerdict::expired) metrics_.shed_expired.Increment(static_cast<double>(jobs.size()));
  std::vector<Resumption*> waiting;
  waiting.reserve(jobs.size());
  for (LaneJob* job : jobs) {
    job->verdict_ = verdict;
    waiting.push_back(&job->resumption_);
  }
  resume_all(waiting);
}

void Lane::stop() {
  std::deque<LaneJob*> left;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    left.swap(queue_);
    queued_weight_ = 0;
  }
  work_.notify_all();
  stopped_.notify_all();
  complete(std::vector<LaneJob*>(left.begin(), left.end()), LaneVerdict::stopped);
  if (pilot_.joinable()) pilot_.join();
  if (watchdog_.joinable()) watchdog_.join();
}

}  // namespace tps::lanes
