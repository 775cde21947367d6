#include "program/settling.hpp"

#include <random>

#include "program/wall_clock.hpp"

namespace tps {
namespace {

service::SettlementOptions settlement_options(const Settings& settings, const ports::StoreIdentity& store) {
  // Workers that start at different partitions seldom compete for the same one.
  const auto first = static_cast<std::uint32_t>(std::random_device{}()) % store.partitions;
  return {.partitions = store.partitions, .first_partition = first, .batch = settings.settle_batch};
}

}  // namespace

Settler::Settler(const Settings& settings, const Engine& engine, const ports::StoreIdentity& store,
                 service::Waiters& waiters, ops::Metrics& metrics)
    : options_(settlement_options(settings, store)),
      loop_session_(engine.session()),
      audit_(engine.audit()),
      waiters_(waiters),
      metrics_(metrics) {}

void Settler::start() {
  loop_.emplace(options_, *loop_session_, now, waiters_, metrics_);
  watch_.emplace(service::LedgerWatchOptions{}, *audit_, metrics_);
  started_ = true;
}

void Settler::wake() {
  if (started_) loop_->wake();
}

service::ServingPart Settler::part() const {
  return {"settlement", [this] { return started_ ? loop_->trouble() : std::nullopt; }};
}

void Settler::stop() {
  if (!started_) return;
  loop_->stop();
  watch_->stop();
}

}  // namespace tps
