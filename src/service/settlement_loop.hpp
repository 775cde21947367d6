// Settlement: the first reader of the log. One thread follows every partition that no other worker has, decides what
// waits with domain::settle, and writes settlements, accounts and totals in one commit. Any number of these
// loops may run, in any number of processes: the reader's lock in the store lets one at a time have a partition.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "ops/metrics.hpp"
#include "service/flights.hpp"
#include "service/ports.hpp"
#include "service/waiters.hpp"

namespace tps::service {

struct SettlementOptions {
  std::uint32_t partitions = 1;
  std::size_t batch = 4'000;                     // most transactions of one commit
  std::chrono::milliseconds gather{8};           // pause between batches while nobody waits for an answer
  std::chrono::milliseconds shortest_pause{2};   // between looks at the log, just after there was work
  std::chrono::milliseconds longest_pause{100};  // ... and when there has been none for a while
  std::chrono::milliseconds budget{3'000};       // longest a store call may take
};

class SettlementLoop {
 public:
  // `session` is this loop's own; everything given must outlive it. Starts at once.
  SettlementLoop(SettlementOptions options, Store& session, Clock clock, Waiters& waiters, ops::Metrics& metrics);
  ~SettlementLoop();  // stop()
  SettlementLoop(const SettlementLoop&) = delete;
  SettlementLoop& operator=(const SettlementLoop&) = delete;

  // There is something new in the log. Any thread may call; cheap.
  void wake();

  // Lets the batch under way end, then joins. Idempotent.
  void stop();

 private:
  enum class Progress : std::uint8_t { none, some, full_batch };

  void run();
  void pause(Progress progress);
  Progress settle_once(std::uint32_t partition);
  void announce(domain::SettlementInput& input, const domain::SettlementOutput& output);
  void report_trouble(const char* what, const StoreFault& fault);
  void report_recovery();

  const SettlementOptions options_;
  Store& session_;
  const Clock clock_;
  Waiters& waiters_;
  ops::Metrics& metrics_;

  // Only the loop's thread.
  std::chrono::milliseconds idle_pause_;
  bool troubled_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  // Under mutex_.
  bool woken_ = false;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace tps::service
