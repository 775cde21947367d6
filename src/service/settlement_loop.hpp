// Settlement: the first reader of the log, and the end of holds that have expired. One thread follows every partition
// that no other worker has, decides what waits with domain::settle, and writes settlements, accounts and totals in one
// commit. Any number of these loops may run, in any number of processes: the reader's lock in the store lets one at a
// time have a partition.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <unordered_map>
#include <vector>

#include "domain/clock.hpp"
#include "ops/metrics.hpp"
#include "ports/store.hpp"
#include "service/flights.hpp"
#include "service/waiters.hpp"

namespace tps::service {

struct SettlementOptions {
  std::uint32_t partitions = 1;
  std::uint32_t first_partition = 0;                 // where each round begins; workers that differ meet less often
  std::size_t batch = 4'000;                         // most transactions of one commit
  std::size_t expiries = 1'000;                      // most holds that have expired, of one look into a partition
  std::chrono::milliseconds gather{8};               // pause between batches while no client waits for an outcome
  std::chrono::milliseconds shortest_pause{2};       // between looks at the log, just after there was work
  std::chrono::milliseconds longest_pause{100};      // ... and when there has been none for a while
  std::chrono::milliseconds budget{3'000};           // longest a store call may take
  std::chrono::milliseconds expiry_interval{1'000};  // between looks for holds that have expired
};

class SettlementLoop {
 public:
  // `session` is this loop's own; everything given must outlive it. Starts at once.
  SettlementLoop(SettlementOptions options, ports::Store& session, domain::Clock clock, Waiters& waiters,
                 ops::Metrics& metrics);
  ~SettlementLoop();  // stop()
  SettlementLoop(const SettlementLoop&) = delete;
  SettlementLoop& operator=(const SettlementLoop&) = delete;

  // There is something new in the log. Any thread may call; cheap.
  void wake();

  // Lets the batch under way end, then joins. Idempotent.
  void stop();

  // Why nothing will settle until an operator has done something; nullopt: settlement goes on, or will by itself.
  [[nodiscard]] std::optional<ports::StoreFault> trouble() const;

 private:
  enum class Progress : std::uint8_t { none, some, full_batch };

  // A batch that the store refuses is tried again in halves, until the one transaction is found that it refuses; that
  // one then settles as unprocessable.
  struct Partition {
    std::size_t most = 0;             // transactions of the next batch
    std::int64_t refused_id = 0;      // the store refused this one when it was alone
    ports::HoldPosition looked_at{};  // the look for holds that have expired goes on after this one
  };

  void run();
  void pause(Progress progress);
  void hurry();
  Progress settle_once(std::uint32_t number);
  [[nodiscard]] std::optional<domain::ClockFault> wrong_clock(const domain::SettlementInput& input) const;
  [[nodiscard]] static bool is_refused(const Partition& partition, const domain::SettlementInput& input);
  [[nodiscard]] domain::SettlementOutput decide(const Partition& partition, const domain::SettlementInput& input) const;
  static void narrow(Partition& partition, const domain::SettlementInput& input, const ports::StoreFault& fault);
  bool expire_holds();
  std::size_t end_holds(std::vector<domain::Transaction> holds);
  void remember_stuck(const domain::Submission& expiry);
  bool is_stopping();
  void announce(domain::SettlementInput& input, const domain::SettlementOutput& output);
  void count(const domain::SettlementOutput& output);
  void report_unprocessable(const domain::Transaction& transaction);
  void report_trouble(const char* what, const ports::StoreFault& fault);
  void report_recovery();

  const SettlementOptions options_;
  ports::Store& session_;
  const domain::Clock clock_;
  Waiters& waiters_;
  ops::Metrics& metrics_;

  // Only the loop's thread.
  std::vector<Partition> partitions_;
  std::chrono::steady_clock::time_point next_expiry_{};
  // Holds that their expiry cannot end, and when it is next tried.
  std::unordered_map<std::int64_t, std::chrono::steady_clock::time_point> stuck_holds_;
  std::chrono::milliseconds idle_pause_;
  bool troubled_ = false;
  bool trouble_in_round_ = false;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Under mutex_.
  std::optional<ports::StoreFault> lasting_trouble_;
  bool woken_ = false;
  bool hurried_ = false;  // a client began to wait for an outcome
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace tps::service
