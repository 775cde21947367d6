#include "service/settlement_loop.hpp"

#include <algorithm>
#include <utility>

#include "ops/log.hpp"
#include "service/expiry.hpp"

namespace tps::service {
namespace {

constexpr std::chrono::minutes kTryStuckAgain{10};
constexpr std::size_t kMostStuckHolds = 100'000;  // remembered

}  // namespace

SettlementLoop::SettlementLoop(SettlementOptions options, ports::Store& session, domain::Clock clock, Waiters& waiters,
                               ops::Metrics& metrics)
    : options_(options),
      session_(session),
      clock_(std::move(clock)),
      waiters_(waiters),
      metrics_(metrics),
      partitions_(options.partitions, Partition{.most = options.batch}),
      idle_pause_(options.shortest_pause) {
  // Series that are there from the start can be told from those that are missing.
  for (const auto status : {domain::Status::settled, domain::Status::failed, domain::Status::authorized,
                            domain::Status::voided, domain::Status::expired}) {
    metrics_.settled(std::string(domain::slug(status)));
  }
  waiters_.set_listener([this] { hurry(); });
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

// A waiting client is worth a commit at once.
void SettlementLoop::hurry() {
  {
    const std::scoped_lock lock(mutex_);
    hurried_ = true;
    woken_ = true;
  }
  changed_.notify_one();
}

void SettlementLoop::stop() {
  waiters_.set_listener({});
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SettlementLoop::run() {
  while (true) {
    trouble_in_round_ = false;
    Progress progress = expire_holds() ? Progress::some : Progress::none;
    for (std::uint32_t step = 0; step < options_.partitions && !is_stopping(); ++step) {
      progress = std::max(progress, settle_once((options_.first_partition + step) % options_.partitions));
    }
    if (!trouble_in_round_) report_recovery();
    pause(progress);
    const std::scoped_lock lock(mutex_);
    if (stopping_) return;
  }
}

void SettlementLoop::pause(Progress progress) {
  if (progress == Progress::full_batch) return;
  const bool gathering = progress == Progress::some && !waiters_.any();
  std::unique_lock lock(mutex_);
  const auto stop_or_woken = [this] { return stopping_ || woken_; };
  if (progress == Progress::some) {
    idle_pause_ = options_.shortest_pause;
    // Fewer, fuller commits cost the store less.
    if (gathering) changed_.wait_for(lock, options_.gather, [this] { return stopping_ || hurried_; });
    if (!stop_or_woken()) changed_.wait_for(lock, options_.shortest_pause, stop_or_woken);
  } else {
    changed_.wait_for(lock, idle_pause_, stop_or_woken);
    idle_pause_ = std::min(idle_pause_ * 2, options_.longest_pause);
  }
  woken_ = false;
  hurried_ = false;
}

SettlementLoop::Progress SettlementLoop::settle_once(std::uint32_t number) {
  Partition& partition = partitions_.at(number);
  const auto start = std::chrono::steady_clock::now();
  auto input = session_.next(number, partition.most, start + options_.budget);
  if (!input) {
    report_trouble("settlement could not read the log", input.error());
    return Progress::none;
  }
  if (!*input || (*input)->transactions.empty()) return Progress::none;
  if (const auto wrong = wrong_clock(**input)) {
    report_trouble("settlement waits for the right time", {ports::StoreFault::Kind::clock_wrong, sentence(*wrong)});
    (void)session_.record(number, {}, start + options_.budget);  // gives the partition back
    return Progress::none;
  }

  const domain::SettlementOutput output = decide(partition, **input);
  const auto recorded = session_.record(number, output, std::chrono::steady_clock::now() + options_.budget);
  if (!recorded) {
    if (recorded.error().kind == ports::StoreFault::Kind::refused && !is_refused(partition, **input)) {
      narrow(partition, **input, recorded.error());
      return Progress::full_batch;
    }
    // Written or not, the next look at the log finds out: the position is in the settlements themselves.
    report_trouble("settlement could not be written", recorded.error());
    return Progress::none;
  }
  partition.refused_id = 0;
  const bool full = output.settlements.size() >= partition.most;
  partition.most = std::min(partition.most * 2, options_.batch);
  metrics_.settle_seconds.Observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  announce(**input, output);
  return full ? Progress::full_batch : Progress::some;
}

// The times of settlements never run back either, and decide what a balance was at a time.
std::optional<domain::ClockFault> SettlementLoop::wrong_clock(const domain::SettlementInput& input) const {
  if (!input.clock_reference) return std::nullopt;
  return domain::clock_fault(clock_(), *input.clock_reference, input.last_settled_at);
}

bool SettlementLoop::is_refused(const Partition& partition, const domain::SettlementInput& input) {
  return input.transactions.size() == 1 && input.transactions.front().id == partition.refused_id;
}

domain::SettlementOutput SettlementLoop::decide(const Partition& partition,
                                                const domain::SettlementInput& input) const {
  return is_refused(partition, input) ? domain::settle_unprocessable(input, clock_()) : domain::settle(input, clock_());
}

void SettlementLoop::narrow(Partition& partition, const domain::SettlementInput& input,
                            const ports::StoreFault& fault) {
  partition.most = std::max(input.transactions.size() / 2, std::size_t{1});
  if (input.transactions.size() > 1) {
    ops::log(ops::Level::warn, "the store refuses a batch of settlements; it is tried again in halves",
             {{"size", std::to_string(input.transactions.size())}, {"detail", fault.detail}});
    return;
  }
  partition.refused_id = input.transactions.front().id;
  ops::log(ops::Level::error, "the store refuses a settlement",
           {{"transaction_id", std::to_string(partition.refused_id)}, {"detail", fault.detail}});
}

// True if anything came into the log by that. A look goes through all holds that are due, page by page: those that
// cannot be ended stay due for good, and would keep the others for ever if each look began with them.
bool SettlementLoop::expire_holds() {
  const auto start = std::chrono::steady_clock::now();
  if (start < next_expiry_) return false;
  next_expiry_ = start + options_.expiry_interval;
  std::size_t ended = 0;
  for (std::uint32_t number = 0; number < options_.partitions && !is_stopping(); ++number) {
    Partition& partition = partitions_.at(number);
    auto due = session_.expired_holds(number, clock_(), partition.looked_at, options_.expiries,
                                      std::chrono::steady_clock::now() + options_.budget);
    if (!due) {
      report_trouble("expired holds could not be read", due.error());
      continue;
    }
    ended += end_holds(std::move(due->holds));
    partition.looked_at = due->next.value_or(ports::HoldPosition{});
    if (due->next) next_expiry_ = start;  // this round settles these, the next one goes on
  }
  return ended > 0;
}

// How many new expiries are in the log.
std::size_t SettlementLoop::end_holds(std::vector<domain::Transaction> holds) {
  const auto start = std::chrono::steady_clock::now();
  std::erase_if(holds, [&](const domain::Transaction& hold) {
    const auto stuck = stuck_holds_.find(hold.id);
    return stuck != stuck_holds_.end() && start < stuck->second;
  });
  if (holds.empty()) return 0;
  std::vector<domain::Submission> expiries = expiries_of(holds);
  std::vector<domain::Submission*> flight;
  flight.reserve(expiries.size());
  for (domain::Submission& expiry : expiries) flight.push_back(&expiry);
  const auto fault = session_.append(flight, clock_(), std::chrono::steady_clock::now() + options_.budget);
  if (fault) report_trouble("holds that have expired could not be ended", *fault);
  std::size_t accepted = 0;
  for (const domain::Submission& expiry : expiries) {
    if (expiry.acceptance == domain::Acceptance::accepted) ++accepted;
    const bool refused = expiry.acceptance == domain::Acceptance::unprocessable ||
                         expiry.acceptance == domain::Acceptance::key_reused ||
                         expiry.transaction.failure == domain::Failure::unprocessable;
    if (refused) remember_stuck(expiry);
  }
  return accepted;
}

// Logs each hold once, however often it is tried again.
void SettlementLoop::remember_stuck(const domain::Submission& expiry) {
  const std::int64_t hold = expiry.transaction.parent_id.value_or(0);
  const bool is_full = stuck_holds_.size() >= kMostStuckHolds;
  const auto place = is_full ? stuck_holds_.find(hold) : stuck_holds_.try_emplace(hold).first;
  if (place == stuck_holds_.end()) return;
  if (place->second == std::chrono::steady_clock::time_point{}) {
    ops::log(ops::Level::error, "a hold cannot be ended by its expiry; a void can",
             {{"transaction_id", std::to_string(hold)}});
  }
  place->second = std::chrono::steady_clock::now() + kTryStuckAgain;
}

bool SettlementLoop::is_stopping() {
  const std::scoped_lock lock(mutex_);
  return stopping_;
}

// Once when trouble begins and once when it ends, with a round in which no partition had any; the loop tries many times
// a second.
void SettlementLoop::report_trouble(const char* what, const ports::StoreFault& fault) {
  if (!troubled_) ops::log(ops::Level::warn, what, {{"detail", fault.detail}});
  troubled_ = true;
  trouble_in_round_ = true;
  if (fault.kind != ports::StoreFault::Kind::incompatible) return;
  const std::scoped_lock lock(mutex_);
  lasting_trouble_ = fault;
}

std::optional<ports::StoreFault> SettlementLoop::trouble() const {
  const std::scoped_lock lock(mutex_);
  return lasting_trouble_;
}

void SettlementLoop::report_recovery() {
  if (troubled_) ops::log(ops::Level::info, "settlement goes on");
  troubled_ = false;
  const std::scoped_lock lock(mutex_);
  lasting_trouble_.reset();
}

void SettlementLoop::announce(domain::SettlementInput& input, const domain::SettlementOutput& output) {
  count(output);
  for (std::size_t i = 0; i < output.settlements.size(); ++i) {
    const domain::Settlement& settlement = output.settlements[i];
    domain::Transaction& transaction = input.transactions[i];
    domain::put_on(settlement, transaction);
    // That of an authorized one is when its hold ends.
    if (settlement.status == domain::Status::authorized) transaction.settled_at.reset();
    if (settlement.failure == domain::Failure::unprocessable) report_unprocessable(transaction);
  }
  // A hold that this very batch closed: its transaction went on since.
  for (const domain::Hold& hold : output.holds) {
    const auto place = std::ranges::lower_bound(input.transactions, hold.transaction_id, {}, &domain::Transaction::id);
    if (!hold.closed_at || place == input.transactions.end() || place->id != hold.transaction_id) continue;
    place->status = hold.status;
    place->settled_at = hold.closed_at;
  }
  waiters_.settled(input.transactions);
}

void SettlementLoop::count(const domain::SettlementOutput& output) {
  metrics_.settle_batch_size.Observe(static_cast<double>(output.settlements.size()));
  std::array<std::size_t, domain::kStatusCount> by_status{};
  for (const domain::Settlement& settlement : output.settlements) {
    ++by_status.at(static_cast<std::size_t>(settlement.status));
    if (settlement.failure) metrics_.failed(std::string(domain::slug(*settlement.failure))).Increment();
  }
  for (const domain::Hold& hold : output.holds) {
    if (hold.closed_at) ++by_status.at(static_cast<std::size_t>(hold.status));
  }
  for (std::size_t i = 0; i < by_status.size(); ++i) {
    if (by_status.at(i) == 0) continue;
    metrics_.settled(std::string(domain::slug(static_cast<domain::Status>(i))))
        .Increment(static_cast<double>(by_status.at(i)));
  }
}

void SettlementLoop::report_unprocessable(const domain::Transaction& transaction) {
  metrics_.unprocessable.Increment();
  ops::log(ops::Level::error, "a transaction cannot be settled and failed as unprocessable",
           {{"transaction_id", std::to_string(transaction.id)}});
}

}  // namespace tps::service
