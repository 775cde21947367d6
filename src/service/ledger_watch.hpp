// Watches the ledger for operators: open holds, and whether the accounts still add up to the totals that are kept
// independently of them. One thread asks the store at intervals.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "ops/metrics.hpp"
#include "ports/store.hpp"

namespace tps::service {

class LedgerWatch {
 public:
  // `session` is this object's own; everything given must outlive it. Starts at once.
  LedgerWatch(ports::Store& session, std::chrono::milliseconds interval, ops::Metrics& metrics);
  ~LedgerWatch();  // stop()
  LedgerWatch(const LedgerWatch&) = delete;
  LedgerWatch& operator=(const LedgerWatch&) = delete;

  void stop();  // idempotent

 private:
  void run();
  void look();

  const std::chrono::milliseconds interval_;
  ports::Store& session_;
  ops::Metrics& metrics_;
  std::set<std::string> seen_;  // currencies; only the thread

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;  // under mutex_

  std::thread thread_;
};

}  // namespace tps::service
