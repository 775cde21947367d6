// A store whose Nth call fails like that of a real one: before it did anything, or after it did everything but lost the
// answer. Tests let calls 0, 1, 2, ... fail until all succeed. The store can also be down for all calls, and refuse to
// settle certain transactions.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "ports/store.hpp"

namespace tps::test {

// Counts the calls of all sessions that share it.
struct FaultPlan {
  enum class Kind : std::uint8_t { unavailable, answer_lost };
  std::atomic<int> calls = 0;
  int fail_at = -1;
  Kind kind = Kind::unavailable;
  std::atomic<bool> down = false;
  std::atomic<bool> clock_is_wrong = false;  // it is one o'clock, whatever a test says

  // Set before the sessions are used: it refuses to record these, unless they fail as unprocessable; or even then.
  std::set<std::int64_t> refused;
  bool refuses_unprocessable = false;
  // Set before the sessions are used: expiries of these holds cannot be added.
  std::set<std::int64_t> damaged_holds;

  // The sizes of the batches that were to be recorded, in order.
  [[nodiscard]] std::vector<std::size_t> batches() const {
    const std::scoped_lock lock(mutex_);
    return batches_;
  }

  [[nodiscard]] bool refuses(const domain::SettlementOutput& output) {
    const std::scoped_lock lock(mutex_);
    batches_.push_back(output.settlements.size());
    return std::ranges::any_of(output.settlements, [this](const domain::Settlement& settlement) {
      const bool harmless = settlement.failure == domain::Failure::unprocessable && !refuses_unprocessable;
      return refused.contains(settlement.transaction_id) && !harmless;
    });
  }

  [[nodiscard]] bool reached() const { return calls > fail_at; }

 private:
  mutable std::mutex mutex_;
  std::vector<std::size_t> batches_;  // under mutex_
};

class FaultyStore : public ports::Store {
 public:
  FaultyStore(std::unique_ptr<ports::Store> real, FaultPlan& plan) : real_(std::move(real)), plan_(plan) {}

  ports::StoreResult<ports::StoreIdentity> open(ports::Deadline deadline) override { return real_->open(deadline); }

  std::optional<ports::StoreFault> append(std::span<domain::Submission* const> flight, domain::Timestamp now,
                                          ports::Deadline deadline) override {
    for (domain::Submission* item : flight) {
      const bool damaged = plan_.damaged_holds.contains(item->transaction.parent_id.value_or(0));
      if (damaged) item->acceptance = domain::Acceptance::unprocessable;
    }
    if (!fails()) return real_->append(flight, now, deadline);
    auto verdict = domain::Acceptance::unavailable;
    if (plan_.kind == FaultPlan::Kind::answer_lost) {
      real_->append(flight, now, deadline);
      verdict = domain::Acceptance::unknown;
    }
    for (domain::Submission* item : flight) item->acceptance = verdict;
    const bool unknown = verdict == domain::Acceptance::unknown;
    return fault(unknown ? ports::StoreFault::Kind::unknown : ports::StoreFault::Kind::unavailable).error();
  }

  ports::StoreResult<std::optional<domain::SettlementInput>> next(std::uint32_t partition, std::size_t max,
                                                                  ports::Deadline deadline) override {
    if (fails()) return fault(ports::StoreFault::Kind::unavailable);
    auto input = real_->next(partition, max, deadline);
    if (plan_.clock_is_wrong && input && *input) (*input)->clock_reference = domain::Timestamp(std::chrono::hours(1));
    return input;
  }

  ports::StoreResult<void> record(std::uint32_t partition, const domain::SettlementOutput& output,
                                  ports::Deadline deadline) override {
    if (plan_.refuses(output)) return fault(ports::StoreFault::Kind::refused);
    if (!fails()) return real_->record(partition, output, deadline);
    if (plan_.kind == FaultPlan::Kind::unavailable) return fault(ports::StoreFault::Kind::unavailable);
    if (auto done = real_->record(partition, output, deadline); !done) return done;
    return fault(ports::StoreFault::Kind::unknown);
  }

  ports::StoreResult<std::vector<std::optional<domain::Transaction>>> find(std::span<const std::int64_t> ids,
                                                                           ports::Deadline deadline) override {
    if (fails()) return fault(ports::StoreFault::Kind::unavailable);
    return real_->find(ids, deadline);
  }

  ports::StoreResult<ports::ListPage> list(const ports::ListQuery& query, ports::Deadline deadline) override {
    if (fails()) return fault(ports::StoreFault::Kind::unavailable);
    return real_->list(query, deadline);
  }

  ports::StoreResult<std::vector<ports::Balance>> balances(std::uint32_t partition, const std::string& user_id,
                                                           ports::Deadline deadline) override {
    if (fails()) return fault(ports::StoreFault::Kind::unavailable);
    return real_->balances(partition, user_id, deadline);
  }

  ports::StoreResult<std::vector<ports::Balance>> balances_at(std::uint32_t partition, const std::string& user_id,
                                                              domain::Timestamp at, ports::Deadline deadline) override {
    if (fails()) return fault(ports::StoreFault::Kind::unavailable);
    return real_->balances_at(partition, user_id, at, deadline);
  }

  ports::StoreResult<ports::Statement> statement(const ports::StatementQuery& query,
                                                 ports::Deadline deadline) override {
    if (fails()) return fault(ports::StoreFault::Kind::unavailable);
    return real_->statement(query, deadline);
  }

  ports::StoreResult<ports::DueHolds> expired_holds(std::uint32_t partition, domain::Timestamp now,
                                                    const ports::HoldPosition& after, std::size_t max,
                                                    ports::Deadline deadline) override {
    if (plan_.down) return fault(ports::StoreFault::Kind::unavailable);
    return real_->expired_holds(partition, now, after, max, deadline);
  }

  ports::StoreResult<Backlog> backlog(std::uint32_t partition, ports::Deadline deadline) override {
    return real_->backlog(partition, deadline);
  }

  ports::StoreResult<ports::Pong> ping(ports::Deadline deadline) override { return real_->ping(deadline); }

 private:
  bool fails() { return plan_.calls++ == plan_.fail_at || plan_.down; }
  static std::unexpected<ports::StoreFault> fault(ports::StoreFault::Kind kind) {
    return std::unexpected(ports::StoreFault{kind, "planned"});
  }

  const std::unique_ptr<ports::Store> real_;
  FaultPlan& plan_;
};

}  // namespace tps::test
