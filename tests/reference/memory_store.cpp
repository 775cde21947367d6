#include "reference/memory_store.hpp"

#include <algorithm>

#include "adapters/migration.hpp"
#include "adapters/storable.hpp"

namespace tps::reference {
namespace {

using domain::Acceptance;
using domain::Submission;
using domain::Transaction;
using ports::Deadline;
using ports::StoreFault;
using ports::StoreResult;
using Flight = std::span<Submission* const>;

std::unexpected<StoreFault> fault(StoreFault::Kind kind, std::string detail) {
  return std::unexpected(StoreFault{kind, std::move(detail)});
}

bool is_undecided(const Submission* submission) { return submission->acceptance == Acceptance::undecided; }

// As the checks of a database's tables.
bool is_refused(const domain::SettlementOutput& output) {
  return std::ranges::any_of(
             output.accounts,
             [](const auto& changed) { return changed.second.held < 0 || changed.second.overdraft_limit < 0; }) ||
         std::ranges::any_of(output.holds,
                             [](const domain::Hold& hold) { return hold.held_minor < 0 || hold.captured_minor < 0; }) ||
         std::ranges::any_of(output.reversals, [](const auto& changed) { return changed.second < 0; });
}

}  // namespace

MemoryStore::MemoryStore(std::shared_ptr<MemoryDatabase> database, const domain::Currencies& currencies)
    : database_(std::move(database)), currencies_(currencies) {}

MemoryStore::~MemoryStore() {
  const std::lock_guard guard(database_->mutex_);
  end_settling();
}

void MemoryStore::end_settling() {
  if (settling_) database_->partitions_[*settling_].settling = false;
  settling_.reset();
}

StoreResult<ports::StoreIdentity> MemoryStore::open(Deadline) {
  const std::lock_guard guard(database_->mutex_);
  for (const auto& [code, exponent] : database_->exponents_) {
    const domain::Currency* configured = currencies_.find(code);
    if (configured == nullptr || configured->exponent != exponent) {
      return fault(StoreFault::Kind::incompatible, adapters::currency_mismatch(code, exponent, configured));
    }
  }
  return database_->identity_;
}

void MemoryStore::refuse_other_exponents(Flight flight) {
  for (Submission* submission : flight) {
    if (!is_undecided(submission)) continue;
    const domain::Currency& configured = *currencies_.find(submission->transaction.currency);
    const auto recorded = database_->exponents_.find(configured.code);
    if (recorded != database_->exponents_.end() && recorded->second != configured.exponent)
      adapters::refuse(flight, *submission);
  }
}

domain::Existing MemoryStore::existing(Flight flight) const {
  domain::Existing existing;
  for (const Submission* submission : flight) {
    const Transaction& transaction = submission->transaction;
    if (transaction.idempotency_hash) {
      const auto found = database_->by_key_.find(*transaction.idempotency_hash);
      if (found != database_->by_key_.end()) existing.by_key.emplace(found->first, *database_->at(found->second));
    }
    if (submission->parent) {
      if (auto parent = database_->at(submission->parent->id)) {
        existing.parents.emplace(parent->id, std::move(*parent));
      }
    }
    if (transaction.reference) {
      const auto found = database_->by_reference_.find({transaction.user_id, *transaction.reference});
      if (found != database_->by_reference_.end()) existing.by_reference.insert(*found);
    }
  }
  return existing;
}

void MemoryStore::insert(const Transaction& transaction) {
  database_->partitions_[transaction.partition].log.push_back(transaction);
  if (transaction.idempotency_hash) database_->by_key_.emplace(*transaction.idempotency_hash, transaction.id);
  if (transaction.reference) {
    database_->by_reference_.emplace(std::pair{transaction.user_id, *transaction.reference}, transaction.id);
  }
  database_->exponents_.emplace(transaction.currency, currencies_.find(transaction.currency)->exponent);
}

std::optional<ports::StoreFault> MemoryStore::append(Flight flight, domain::Timestamp now, Deadline deadline) {
  const std::lock_guard guard(database_->mutex_);
  end_settling();
  const auto first = std::ranges::find_if(flight, is_undecided);
  if (first == flight.end()) return std::nullopt;
  const std::uint32_t partition = (*first)->transaction.partition;
  if (partition >= database_->partitions_.size() || std::chrono::steady_clock::now() >= deadline) {
    for (Submission* submission : flight) {
      if (is_undecided(submission)) submission->acceptance = Acceptance::unavailable;
    }
    return ports::StoreFault{ports::StoreFault::Kind::unavailable, "planned"};
  }
  adapters::refuse_unstorable(flight, currencies_);
  refuse_other_exponents(flight);
  const std::vector<Transaction>& log = database_->partitions_[partition].log;
  const std::int64_t last_id = log.empty() ? domain::id_before_first(partition) : log.back().id;
  domain::accept(flight, existing(flight), last_id, log.empty() ? domain::Timestamp{} : log.back().created_at, now);
  for (const Submission* submission : flight) {
    if (submission->acceptance == Acceptance::accepted && submission->transaction.id > last_id) {
      insert(submission->transaction);
    }
  }
  return std::nullopt;
}

void MemoryStore::add_what_it_needs(const Transaction& transaction, domain::SettlementInput& input) const {
  const domain::AccountKey payer = payer_of(transaction);
  input.accounts[payer] = database_->account(payer);
  if (const auto receiver = receiver_of(transaction)) input.accounts[*receiver] = database_->account(*receiver);
  const domain::TotalsByCurrency& totals = database_->partitions_[transaction.partition].totals;
  if (const auto found = totals.find(transaction.currency); found != totals.end()) input.totals.insert(*found);
  if (!transaction.parent_id) return;
  if (transaction.type == domain::Type::reversal) {
    if (const auto parent = database_->at(*transaction.parent_id)) input.parents.emplace(parent->id, *parent);
    const auto reversed = database_->reversals_.find(*transaction.parent_id);
    if (reversed != database_->reversals_.end()) input.reversals.insert(*reversed);
  } else if (const auto hold = database_->holds_.find(*transaction.parent_id); hold != database_->holds_.end()) {
    input.holds.insert(*hold);
  }
}

StoreResult<std::optional<domain::SettlementInput>> MemoryStore::next(std::uint32_t partition, std::size_t max,
                                                                      Deadline) {
  const std::lock_guard guard(database_->mutex_);
  end_settling();
  if (partition >= database_->partitions_.size()) {
    return fault(StoreFault::Kind::unavailable, "there is no such partition");
  }
  MemoryDatabase::Partition& from = database_->partitions_[partition];
  if (from.settling) return std::nullopt;

  domain::SettlementInput input;
  const std::size_t position = from.settlements.size();
  if (position > 0) input.last_settled_at = from.settlements.back().settled_at;
  const std::size_t end = std::min(from.log.size(), position + std::min(max, from.log.size()));
  for (std::size_t i = position; i < end; ++i) add_what_it_needs(input.transactions.emplace_back(from.log[i]), input);
  if (!input.transactions.empty()) {
    from.settling = true;
    settling_ = partition;
  }
  return input;
}

StoreResult<void> MemoryStore::record(std::uint32_t partition, const domain::SettlementOutput& output, Deadline) {
  const std::lock_guard guard(database_->mutex_);
  if (settling_ != partition) return fault(StoreFault::Kind::unavailable, "record() without next()");
  end_settling();
  if (is_refused(output)) return fault(StoreFault::Kind::refused, "a negative amount where none can be");
  MemoryDatabase::Partition& into = database_->partitions_[partition];
  into.settlements.insert(into.settlements.end(), output.settlements.begin(), output.settlements.end());
  for (const auto& [key, account] : output.accounts) database_->accounts_[key] = account;
  for (const domain::Hold& hold : output.holds) database_->holds_[hold.transaction_id] = hold;
  for (const auto& [original_id, reversed] : output.reversals) database_->reversals_[original_id] = reversed;
  for (const auto& [currency, totals] : output.totals) into.totals[currency] = totals;
  return {};
}

StoreResult<std::vector<std::optional<Transaction>>> MemoryStore::find(std::span<const std::int64_t> ids, Deadline) {
  const std::lock_guard guard(database_->mutex_);
  std::vector<std::optional<Transaction>> found;
  found.reserve(ids.size());
  for (const std::int64_t id : ids) found.push_back(database_->at(id));
  return found;
}

StoreResult<ports::Pong> MemoryStore::ping(Deadline) { return ports::Pong{}; }

}  // namespace tps::reference
