#include "service/ledger_watch.hpp"

#include <algorithm>
#include <limits>

#include "ops/log.hpp"
#include "service/ledger_sum.hpp"

namespace tps::service {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kCountBudget{4};
constexpr int kPausePerRead = 4;   // of the time that the read took, so that others have the store
constexpr int kPausePerSum = 100;  // likewise, before the next sum
constexpr double kUnknownFigure = std::numeric_limits<double>::quiet_NaN();

}  // namespace

LedgerWatch::LedgerWatch(LedgerWatchOptions options, ports::Audit& audit, ops::Metrics& metrics)
    : options_(options), audit_(audit), metrics_(metrics) {
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

bool LedgerWatch::pause(steady_clock::duration time) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, time, [this] { return stopping_; });
}

void LedgerWatch::run() {
  do {
    look();
  } while (pause(options_.interval));
}

// A figure that cannot be had is not a number, rather than the last one that could. The alert on an unknown ledger
// watches the holds, which are therefore unknown, too, while the sum is.
void LedgerWatch::look() {
  if (steady_clock::now() >= next_sum_) summed_ = sum();
  const auto holds = audit_.open_holds(steady_clock::now() + kCountBudget);
  metrics_.open_holds.Set(holds && summed_ ? static_cast<double>(*holds) : kUnknownFigure);
}

bool LedgerWatch::sum() {
  steady_clock::duration reading{};
  LedgerSum ledger(audit_, options_.piece, [&](steady_clock::duration took) {
    reading += took;
    return pause(took * kPausePerRead);
  });
  const auto imbalances = ledger.imbalance();
  const auto next = std::max<steady_clock::duration>(options_.interval, reading * kPausePerSum);
  next_sum_ = steady_clock::now() + (imbalances ? next : options_.interval);
  if (!imbalances) {
    for (const std::string& currency : seen_) metrics_.imbalance(currency).Set(kUnknownFigure);
    return false;
  }
  for (const auto& [currency, imbalance] : *imbalances) {
    seen_.insert(currency);
    metrics_.imbalance(currency).Set(static_cast<double>(imbalance));
    if (imbalance == 0) continue;
    ops::log(ops::Level::error, "the accounts do not add up to the totals; run tps verify",
             {{"currency", currency}, {"imbalance_minor", std::to_string(imbalance)}});
  }
  return true;
}

}  // namespace tps::service
