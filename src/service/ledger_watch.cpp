#include "service/ledger_watch.hpp"

#include <limits>

#include "ops/log.hpp"

namespace tps::service {
namespace {

constexpr std::chrono::seconds kBudget{4};
constexpr double kUnknownFigure = std::numeric_limits<double>::quiet_NaN();

}  // namespace

LedgerWatch::LedgerWatch(ports::Store& session, std::chrono::milliseconds interval, ops::Metrics& metrics)
    : interval_(interval), session_(session), metrics_(metrics) {
  thread_ = std::thread([this] { run(); });
}

LedgerWatch::~LedgerWatch() { stop(); }

void LedgerWatch::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void LedgerWatch::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    look();
    lock.lock();
    changed_.wait_for(lock, interval_, [this] { return stopping_; });
  }
}

// A figure that cannot be had is not a number, rather than the last one that could.
void LedgerWatch::look() {
  const auto figures = session_.figures(std::chrono::steady_clock::now() + kBudget);
  metrics_.open_holds.Set(figures ? static_cast<double>(figures->open_holds) : kUnknownFigure);
  if (!figures) {
    for (const std::string& currency : seen_) metrics_.imbalance(currency).Set(kUnknownFigure);
    return;
  }
  for (const auto& [currency, imbalance] : figures->imbalance) {
    seen_.insert(currency);
    metrics_.imbalance(currency).Set(static_cast<double>(imbalance));
    if (imbalance == 0) continue;
    ops::log(ops::Level::error, "the accounts do not add up to the totals; run tps verify",
             {{"currency", currency}, {"imbalance_minor", std::to_string(imbalance)}});
  }
}

}  // namespace tps::service
