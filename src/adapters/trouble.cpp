#include "adapters/trouble.hpp"

namespace tps::adapters {
namespace {

using ports::StoreFault;

// Longer than the pause between two looks of the readiness at a database in trouble, so that a fault that only some
// operations meet does not begin and end many times a second.
constexpr std::chrono::seconds kQuiet{5};

bool lasts(const StoreFault& fault) { return fault.kind == StoreFault::Kind::incompatible; }

}  // namespace

void Trouble::met(const StoreFault& fault) {
  if (fault.cause == StoreFault::Cause::unreachable) return;
  const std::lock_guard guard(mutex_);
  last_met_ = Clock::now();
  const bool is_known = fault_ && (lasts(*fault_) || (fault_->cause == fault.cause && !lasts(fault)));
  if (is_known) return;
  fault_ = fault;
  tell(false);
  is_there_.store(true, std::memory_order_release);
}

void Trouble::tell(bool is_over) const {
  if (listener_) listener_(*fault_, is_over);
}

std::optional<StoreFault> Trouble::now() {
  if (!is_there_.load(std::memory_order_acquire)) return std::nullopt;
  const std::lock_guard guard(mutex_);
  if (fault_ && !lasts(*fault_) && Clock::now() - last_met_ > kQuiet) {
    tell(true);
    fault_.reset();
    is_there_.store(false, std::memory_order_release);
  }
  return fault_;
}

std::optional<StoreFault> Trouble::lasting() const {
  if (!is_there_.load(std::memory_order_acquire)) return std::nullopt;
  const std::lock_guard guard(mutex_);
  return fault_ && lasts(*fault_) ? fault_ : std::nullopt;
}

void explain(std::span<domain::Submission* const> flight, Trouble& trouble) {
  const auto fault = trouble.now();
  if (!fault) return;
  for (domain::Submission* submission : flight) {
    if (submission->acceptance == domain::Acceptance::unavailable) submission->unavailable_as = code_of(fault->cause);
  }
}

}  // namespace tps::adapters
