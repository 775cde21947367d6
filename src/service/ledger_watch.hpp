// Watches the ledger for operators: open holds, and whether the accounts still add up to the totals that are kept
// independently of them. One thread reads the store now and then; summing takes 1 % of its time at most, so the bigger
// the ledger, the further apart are the sums.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "ops/metrics.hpp"
#include "ports/audit.hpp"

namespace tps::service {

struct LedgerWatchOptions {
  std::chrono::milliseconds interval{15'000};  // between looks; a sum is due less often if it takes long
  std::size_t piece = 10'000;                  // most rows of one read
};

class LedgerWatch {
 public:
  // `audit` is this object's own; everything given must outlive it. Starts at once.
  LedgerWatch(LedgerWatchOptions options, ports::Audit& audit, ops::Metrics& metrics);
  ~LedgerWatch();  // stop()
  LedgerWatch(const LedgerWatch&) = delete;
  LedgerWatch& operator=(const LedgerWatch&) = delete;

  void stop();  // idempotent; waits for one read at most

 private:
  void run();
  void look();
  bool sum();
  bool pause(std::chrono::steady_clock::duration time);  // false: stopping

  const LedgerWatchOptions options_;
  ports::Audit& audit_;
  ops::Metrics& metrics_;
  // Only the thread.
  std::set<std::string> seen_;  // currencies
  std::chrono::steady_clock::time_point next_sum_{};
  bool summed_ = true;  // the last time it was tried

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;  // under mutex_

  std::thread thread_;
};

}  // namespace tps::service
