// Settlement in a process: the loop that follows the log, and the watch over the ledger, on sessions of their own.
// Inside `tps serve` (unless --no-worker), and all of `tps worker`.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "ops/metrics.hpp"
#include "ports/audit.hpp"
#include "ports/store.hpp"
#include "program/engine.hpp"
#include "program/settings.hpp"
#include "service/ledger_watch.hpp"
#include "service/readiness.hpp"
#include "service/settlement_loop.hpp"
#include "service/waiters.hpp"

namespace tps {

class Settler {
 public:
  // Does nothing before start(). Everything given must outlive it.
  Settler(const Settings& settings, const Engine& engine, const ports::StoreIdentity& store, service::Waiters& waiters,
          ops::Metrics& metrics);

  // Once, when everything else of the process has been checked.
  void start();

  // Call when the log has new transactions. Any thread may call, also before start(), which reads the log itself.
  void wake();

  void stop();  // idempotent; on the thread of start()

  // For readiness, which must not outlive it.
  [[nodiscard]] service::ServingPart part() const;

 private:
  const service::SettlementOptions options_;
  const std::unique_ptr<ports::Store> loop_session_;
  const std::unique_ptr<ports::Audit> audit_;
  service::Waiters& waiters_;
  ops::Metrics& metrics_;
  std::optional<service::SettlementLoop> loop_;
  std::optional<service::LedgerWatch> watch_;
  std::atomic<bool> started_ = false;  // from then on other threads may use loop_
};

}  // namespace tps
