// What a process does that settles: the loop that follows the log, and the watch over the ledger, on sessions of their
// own. Inside `tps serve` (unless --no-worker), and all of `tps worker`.
#pragma once

#include <memory>

#include "ops/metrics.hpp"
#include "ports/store.hpp"
#include "program/config.hpp"
#include "program/engine.hpp"
#include "service/ledger_watch.hpp"
#include "service/settlement_loop.hpp"
#include "service/waiters.hpp"

namespace tps {

class Settling {
 public:
  // Starts at once. Everything given must outlive it.
  Settling(const Config& config, const Engine& engine, const ports::StoreIdentity& store, service::Waiters& waiters,
           ops::Metrics& metrics);

  void wake() { loop_.wake(); }
  void stop();  // idempotent

 private:
  const std::unique_ptr<ports::Store> loop_session_;
  const std::unique_ptr<ports::Store> watch_session_;
  service::SettlementLoop loop_;
  service::LedgerWatch watch_;
};

}  // namespace tps
