#include "adapters/memory_store.hpp"

#include <algorithm>
#include <limits>

#include "adapters/migration.hpp"
#include "adapters/storable.hpp"
#include "domain/money.hpp"

namespace tps::adapters {
namespace {

using domain::Acceptance;
using domain::Submission;
using domain::Transaction;
using service::Balance;
using service::Deadline;
using service::ListPage;
using service::ListQuery;
using service::StoreFault;
using service::StoreResult;
using Flight = std::span<Submission* const>;

std::unexpected<StoreFault> fault(StoreFault::Kind kind, std::string detail) {
  return std::unexpected(StoreFault{kind, std::move(detail)});
}

bool is_undecided(const Submission* submission) { return submission->acceptance == Acceptance::undecided; }

std::size_t index_of(std::int64_t id) {
  return static_cast<std::size_t>(id - domain::first_id_before(domain::partition_of_id(id)) - 1);
}

bool matches(const Transaction& transaction, const ListQuery& query) {
  return (!query.user_id || transaction.user_id == *query.user_id) &&
         (!query.status || transaction.status == *query.status) && (!query.type || transaction.type == *query.type) &&
         (!query.currency || transaction.currency == *query.currency) &&
         (!query.reference || transaction.reference == query.reference) &&
         (!query.parent_id || transaction.parent_id == query.parent_id) &&
         (!query.created_from || transaction.created_at >= *query.created_from) &&
         (!query.created_to || transaction.created_at < *query.created_to);
}

// What one transaction will add to a user's balance once it settles.
std::int64_t net_for(const Transaction& transaction, const std::string& user_id) {
  if (transaction.capture != domain::Capture::automatic) return 0;
  const bool pays = transaction.user_id == user_id;
  switch (transaction.type) {
    case domain::Type::deposit:
      return pays ? transaction.amount_minor : 0;
    case domain::Type::withdrawal:
      return pays ? -transaction.amount_minor : 0;
    case domain::Type::transfer:
      if (pays) return -transaction.amount_minor;
      return transaction.to_user_id == user_id ? transaction.amount_minor : 0;
    default:
      return 0;
  }
}

std::int64_t saturated_add(std::int64_t a, std::int64_t b) {
  if (const auto sum = domain::checked_add(a, b)) return *sum;
  return b > 0 ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
}

}  // namespace

MemoryDatabase::MemoryDatabase(std::uint32_t partitions)
    : identity_{.store_id = new_store_id(),
                .schema = 1,
                .partitions = partitions,
                .cache_secret =
                    [] {
                      const auto secret = new_cache_secret();
                      return std::vector<std::uint8_t>(secret.begin(), secret.end());
                    }()},
      partitions_(partitions) {}

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

StoreResult<service::StoreIdentity> MemoryStore::open(Deadline) {
  const std::lock_guard guard(database_->mutex_);
  for (const auto& [code, exponent] : database_->exponents_) {
    const domain::Currency* configured = currencies_.find(code);
    if (configured == nullptr || configured->exponent != exponent) {
      return fault(StoreFault::Kind::incompatible, currency_mismatch(code, exponent, configured));
    }
  }
  return database_->identity_;
}

void MemoryStore::refuse_other_exponents(Flight flight) {
  for (Submission* submission : flight) {
    if (!is_undecided(submission)) continue;
    const domain::Currency& configured = *currencies_.find(submission->transaction.currency);
    const auto recorded = database_->exponents_.find(configured.code);
    if (recorded != database_->exponents_.end() && recorded->second != configured.exponent) refuse(flight, *submission);
  }
}

domain::Existing MemoryStore::existing(Flight flight) const {
  domain::Existing existing;
  for (const Submission* submission : flight) {
    const Transaction& transaction = submission->transaction;
    if (transaction.idempotency_hash) {
      const auto found = database_->by_key_.find(*transaction.idempotency_hash);
      if (found != database_->by_key_.end()) existing.by_key.emplace(found->first, *at(found->second));
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

void MemoryStore::append(Flight flight, domain::Timestamp now, Deadline deadline) {
  const std::lock_guard guard(database_->mutex_);
  end_settling();
  const auto first = std::ranges::find_if(flight, is_undecided);
  if (first == flight.end()) return;
  const std::uint32_t partition = (*first)->transaction.partition;
  if (partition >= database_->partitions_.size() || std::chrono::steady_clock::now() >= deadline) {
    for (Submission* submission : flight) {
      if (is_undecided(submission)) submission->acceptance = Acceptance::unavailable;
    }
    return;
  }
  refuse_unstorable(flight, currencies_);
  refuse_other_exponents(flight);
  const std::vector<Transaction>& log = database_->partitions_[partition].log;
  const std::int64_t last_id = log.empty() ? domain::first_id_before(partition) : log.back().id;
  domain::accept(flight, existing(flight), last_id, log.empty() ? domain::Timestamp{} : log.back().created_at, now);
  for (const Submission* submission : flight) {
    if (submission->acceptance == Acceptance::accepted && submission->transaction.id > last_id) {
      insert(submission->transaction);
    }
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
  for (std::size_t i = position; i < end; ++i) {
    const Transaction& transaction = input.transactions.emplace_back(from.log[i]);
    const domain::AccountKey payer{partition, transaction.user_id, transaction.currency};
    input.accounts[payer] = database_->accounts_[payer];
    if (transaction.to_user_id) {
      const domain::AccountKey receiver{transaction.to_partition.value_or(partition), *transaction.to_user_id,
                                        transaction.currency};
      input.accounts[receiver] = database_->accounts_[receiver];
    }
    input.totals[transaction.currency] = from.totals[transaction.currency];
  }
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
  MemoryDatabase::Partition& into = database_->partitions_[partition];
  into.settlements.insert(into.settlements.end(), output.settlements.begin(), output.settlements.end());
  for (const auto& [key, account] : output.accounts) database_->accounts_[key] = account;
  for (const auto& [currency, totals] : output.totals) into.totals[currency] = totals;
  return {};
}

std::optional<Transaction> MemoryStore::at(std::int64_t id) const {
  if (id <= 0 || domain::partition_of_id(id) >= database_->partitions_.size()) return std::nullopt;
  const MemoryDatabase::Partition& partition = database_->partitions_[domain::partition_of_id(id)];
  const std::size_t index = index_of(id);
  if (index >= partition.log.size()) return std::nullopt;
  Transaction transaction = partition.log[index];
  if (index < partition.settlements.size()) {
    const domain::Settlement& settlement = partition.settlements[index];
    transaction.status = settlement.status;
    transaction.failure = settlement.failure;
    transaction.settled_at = settlement.settled_at;
  }
  return transaction;
}

StoreResult<std::vector<std::optional<Transaction>>> MemoryStore::find(std::span<const std::int64_t> ids, Deadline) {
  const std::lock_guard guard(database_->mutex_);
  std::vector<std::optional<Transaction>> found;
  found.reserve(ids.size());
  for (const std::int64_t id : ids) found.push_back(at(id));
  return found;
}

StoreResult<ListPage> MemoryStore::list(const ListQuery& query, Deadline) {
  const std::lock_guard guard(database_->mutex_);
  std::vector<std::int64_t> ids;  // all that an index leads to, in the order of the answer
  for (const MemoryDatabase::Partition& partition : database_->partitions_) {
    for (const Transaction& transaction : partition.log) {
      const bool led_to = (!query.user_id || transaction.user_id == *query.user_id) &&
                          (!query.parent_id || transaction.parent_id == query.parent_id);
      if (led_to) ids.push_back(transaction.id);
    }
  }
  const bool newest_first = query.order == service::Order::newest_first;
  if (newest_first) std::ranges::reverse(ids);
  if (query.after) std::erase_if(ids, [&](auto id) { return newest_first ? id >= *query.after : id <= *query.after; });

  ListPage page;
  std::size_t looked_at = 0;
  while (looked_at < ids.size() && page.transactions.size() < query.limit && looked_at < service::kMaxRowsReadPerPage) {
    Transaction transaction = *at(ids[looked_at++]);
    if (matches(transaction, query)) page.transactions.push_back(std::move(transaction));
  }
  const std::int64_t last = looked_at > 0 ? ids[looked_at - 1] : query.after.value_or(0);
  if (!newest_first || looked_at < ids.size()) page.next_after = last;
  return page;
}

StoreResult<std::vector<Balance>> MemoryStore::balances(std::uint32_t partition, const std::string& user_id, Deadline) {
  const std::lock_guard guard(database_->mutex_);
  std::map<std::string, Balance> balances;
  for (const auto& [key, account] : database_->accounts_) {
    if (key.partition != partition || key.user_id != user_id || account == domain::Account{}) continue;
    balances[key.currency] = {.currency = key.currency,
                              .posted = account.posted,
                              .held = account.held,
                              .available = account.posted - account.held,
                              .pending = 0,
                              .version = account.version};
  }
  for (const MemoryDatabase::Partition& log : database_->partitions_) {
    for (std::size_t i = log.settlements.size(); i < log.log.size(); ++i) {
      const Transaction& transaction = log.log[i];
      if (transaction.user_id != user_id && transaction.to_user_id != user_id) continue;
      Balance& balance = balances[transaction.currency];
      balance.currency = transaction.currency;
      balance.pending = saturated_add(balance.pending, net_for(transaction, user_id));
    }
  }
  std::vector<Balance> result;
  result.reserve(balances.size());
  for (const auto& [currency, balance] : balances) result.push_back(balance);
  return result;
}

StoreResult<service::Store::Backlog> MemoryStore::backlog(std::uint32_t partition, Deadline) {
  const std::lock_guard guard(database_->mutex_);
  if (partition >= database_->partitions_.size()) {
    return fault(StoreFault::Kind::unavailable, "there is no such partition");
  }
  const MemoryDatabase::Partition& of = database_->partitions_[partition];
  const std::size_t position = of.settlements.size();
  if (position == of.log.size()) return Backlog{};
  return Backlog{.pending = static_cast<std::int64_t>(of.log.size() - position), .oldest = of.log[position].created_at};
}

StoreResult<void> MemoryStore::ping(Deadline) { return {}; }

StoreResult<std::vector<service::Balance>> MemoryStore::balances_at(std::uint32_t, const std::string&,
                                                                    domain::Timestamp, Deadline) {
  return std::unexpected(StoreFault{StoreFault::Kind::unavailable, "not built yet"});
}
StoreResult<service::Statement> MemoryStore::statement(const service::StatementQuery&, Deadline) {
  return std::unexpected(StoreFault{StoreFault::Kind::unavailable, "not built yet"});
}
StoreResult<std::vector<domain::Transaction>> MemoryStore::expired_holds(std::uint32_t, domain::Timestamp, std::size_t,
                                                                         Deadline) {
  return std::vector<domain::Transaction>{};
}
StoreResult<service::LedgerFigures> MemoryStore::figures(Deadline) {
  return std::unexpected(StoreFault{StoreFault::Kind::unavailable, "not built yet"});
}

}  // namespace tps::adapters
