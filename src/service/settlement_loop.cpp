#include "service/settlement_loop.hpp"

#include <algorithm>
#include <utility>

#include "ops/log.hpp"

namespace tps::service {
SettlementLoop::SettlementLoop(SettlementOptions options, Store& session, Clock clock, Waiters& waiters,
                               ops::Metrics& metrics)
    : options_(options),
      session_(session),
      clock_(std::move(clock)),
      waiters_(waiters),
      metrics_(metrics),
      idle_pause_(options.shortest_pause) {
  // Series that are there from the start can be told from those that are missing.
  for (const auto status : {domain::Status::settled, domain::Status::failed, domain::Status::authorized,
                            domain::Status::voided, domain::Status::expired}) {
    metrics_.settled(std::string(domain::slug(status)));
  }
  thread_ = std::thread([this] { run(); });
}

SettlementLoop::~SettlementLoop() { stop(); }

void SettlementLoop::wake() {
  {
    const std::scoped_lock lock(mutex_);
    if (woken_) return;
    woken_ = true;
  }
  changed_.notify_one();
}

void SettlementLoop::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SettlementLoop::run() {
  while (true) {
    Progress progress = Progress::none;
    for (std::uint32_t partition = 0; partition < options_.partitions; ++partition) {
      progress = std::max(progress, settle_once(partition));
    }
    pause(progress);
    const std::scoped_lock lock(mutex_);
    if (stopping_) return;
  }
}

void SettlementLoop::pause(Progress progress) {
  if (progress == Progress::full_batch) return;
  std::unique_lock lock(mutex_);
  const auto stop_or_woken = [this] { return stopping_ || woken_; };
  if (progress == Progress::some) {
    idle_pause_ = options_.shortest_pause;
    // Fewer, fuller commits cost the store less. Somebody who waits is worth a commit at once.
    if (!waiters_.any()) changed_.wait_for(lock, options_.gather, [this] { return stopping_; });
    if (!stop_or_woken()) changed_.wait_for(lock, options_.shortest_pause, stop_or_woken);
  } else {
    changed_.wait_for(lock, idle_pause_, stop_or_woken);
    idle_pause_ = std::min(idle_pause_ * 2, options_.longest_pause);
  }
  woken_ = false;
}

SettlementLoop::Progress SettlementLoop::settle_once(std::uint32_t partition) {
  const auto start = std::chrono::steady_clock::now();
  auto input = session_.next(partition, options_.batch, start + options_.budget);
  if (!input) {
    report_trouble("settlement could not read the log", input.error());
    return Progress::none;
  }
  if (!*input || (*input)->transactions.empty()) {
    report_recovery();
    return Progress::none;
  }

  const domain::SettlementOutput output = domain::settle(**input, clock_());
  const auto recorded = session_.record(partition, output, std::chrono::steady_clock::now() + options_.budget);
  if (!recorded) {
    // Written or not, the next look at the log finds out: the position is in the settlements themselves.
    report_trouble("settlement could not be written", recorded.error());
    return Progress::none;
  }
  report_recovery();
  metrics_.settle_seconds.Observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  announce(**input, output);
  return output.settlements.size() >= options_.batch ? Progress::full_batch : Progress::some;
}

// Once when trouble begins and once when it ends; the loop tries many times a second.
void SettlementLoop::report_trouble(const char* what, const StoreFault& fault) {
  if (!troubled_) ops::log(ops::Level::warn, what, {{"detail", fault.detail}});
  troubled_ = true;
}

void SettlementLoop::report_recovery() {
  if (troubled_) ops::log(ops::Level::info, "settlement goes on");
  troubled_ = false;
}

void SettlementLoop::announce(domain::SettlementInput& input, const domain::SettlementOutput& output) {
  metrics_.settle_batch_size.Observe(static_cast<double>(output.settlements.size()));
  std::array<std::size_t, 6> by_status{};
  for (std::size_t i = 0; i < output.settlements.size(); ++i) {
    const domain::Settlement& settlement = output.settlements[i];
    domain::Transaction& transaction = input.transactions[i];
    transaction.status = settlement.status;
    transaction.failure = settlement.failure;
    transaction.settled_at = settlement.settled_at;
    ++by_status.at(static_cast<std::size_t>(settlement.status));
    if (settlement.failure) metrics_.failed(std::string(domain::slug(*settlement.failure))).Increment();
  }
  for (std::size_t i = 0; i < by_status.size(); ++i) {
    if (by_status.at(i) == 0) continue;
    metrics_.settled(std::string(domain::slug(static_cast<domain::Status>(i))))
        .Increment(static_cast<double>(by_status.at(i)));
  }
  waiters_.settled(input.transactions);
}

}  // namespace tps::service
