#include "program/settling.hpp"

#include <chrono>
#include <random>

#include "program/startup.hpp"

namespace tps {
namespace {

constexpr std::chrono::seconds kWatchInterval{15};

service::SettlementOptions settlement_options(const Config& config, const ports::StoreIdentity& store) {
  // Workers that start their rounds at different partitions seldom want the same one.
  const auto first = static_cast<std::uint32_t>(std::random_device{}()) % store.partitions;
  return {.partitions = store.partitions,
          .first_partition = first,
          .batch = static_cast<std::size_t>(config.number("settle-batch"))};
}

}  // namespace

Settling::Settling(const Config& config, const Engine& engine, const ports::StoreIdentity& store,
                   service::Waiters& waiters, ops::Metrics& metrics)
    : loop_session_(engine.session()),
      watch_session_(engine.session()),
      loop_(settlement_options(config, store), *loop_session_, now, waiters, metrics),
      watch_(*watch_session_, kWatchInterval, metrics) {}

void Settling::stop() {
  loop_.stop();
  watch_.stop();
}

}  // namespace tps
