// Trouble of the database that this process uses, as its sessions meet it: a full disk, a lost permission, damage.
// Its listener hears when it begins, with the database's words, and when it ends. Shared by all sessions; any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "domain/acceptance.hpp"
#include "ports/fault.hpp"

namespace tps::adapters {

class Trouble {
 public:
  // `is_over`: the trouble has ended. Called under a lock, so it must not ask this object.
  using Listener = std::function<void(const ports::StoreFault& fault, bool is_over)>;
  // To be set before sessions are used.
  void set_listener(Listener listener) { listener_ = std::move(listener); }

  // A session met this fault. A database that is only unreachable is no trouble: readiness tells that. One of the kind
  // `incompatible` stays until the process ends.
  void met(const ports::StoreFault& fault);

  // The present trouble. It has ended when no session has met any for 5 seconds.
  [[nodiscard]] std::optional<ports::StoreFault> now();

  // The same if it stays until the process ends. Costs nothing while there is none.
  [[nodiscard]] std::optional<ports::StoreFault> lasting() const;

 private:
  using Clock = std::chrono::steady_clock;

  void tell(bool is_over) const;

  Listener listener_;
  std::atomic<bool> is_there_ = false;
  mutable std::mutex mutex_;
  // Under mutex_.
  std::optional<ports::StoreFault> fault_;
  Clock::time_point last_met_{};
};

// The submissions that are `unavailable` get what their clients are told, in view of the present trouble.
void explain(std::span<domain::Submission* const> flight, Trouble& trouble);

}  // namespace tps::adapters
