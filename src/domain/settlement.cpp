#include "domain/settlement.hpp"

#include <algorithm>
#include <set>

#include "domain/money.hpp"

namespace tps::domain {
namespace {

// The accounts and totals while a batch is decided, and which of them changed.
class Book {
 public:
  explicit Book(const SettlementInput& input) : accounts_(input.accounts), totals_(input.totals) {}

  Account& account(const AccountKey& key) { return accounts_[key]; }
  Totals& totals(const std::string& currency) { return totals_[currency]; }

  // A settlement touched it: it gets the next version and will be written.
  void touch(const AccountKey& key, Account& account) {
    ++account.version;
    changed_.insert(key);
  }
  void touch_totals(const std::string& currency) { changed_totals_.insert(currency); }

  void write_to(SettlementOutput& output) const {
    output.accounts.reserve(changed_.size());
    for (const AccountKey& key : changed_) output.accounts.emplace_back(key, accounts_.at(key));
    for (const std::string& currency : changed_totals_) output.totals.emplace_back(currency, totals_.at(currency));
  }

 private:
  Accounts accounts_;
  TotalsByCurrency totals_;
  std::set<AccountKey> changed_;
  std::set<std::string> changed_totals_;
};

std::optional<Failure> check_debit(const Account& account, std::int64_t amount) {
  // available - amount >= -overdraft_limit, written so that no step can overflow for the values that exist:
  // a difference that does overflow is far below any limit.
  const auto available = checked_sub(account.posted, account.held);
  const auto left = available ? checked_sub(*available, amount) : std::nullopt;
  const auto room = left ? checked_add(*left, account.overdraft_limit) : std::nullopt;
  const bool above_limit = room ? *room >= 0 : (left && *left > 0);
  if (!above_limit) return Failure::insufficient_funds;
  if (account.frozen) return Failure::account_frozen;
  return std::nullopt;
}

std::optional<Failure> check_credit(const Account& account, std::int64_t amount) {
  if (!checked_add(account.posted, amount)) return Failure::balance_overflow;
  return std::nullopt;
}

// Modulo 2^64 (two's complement).
std::int64_t wrapping_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

Settlement settlement_of(const Transaction& transaction, const Account& account, std::optional<Failure> failure,
                         Timestamp settled_at) {
  Settlement settlement;
  settlement.partition = transaction.partition;
  settlement.transaction_id = transaction.id;
  settlement.status = failure ? Status::failed : Status::settled;
  settlement.failure = failure;
  settlement.posted_after = account.posted;
  settlement.held_after = account.held;
  settlement.account_version = account.version;
  settlement.settled_at = settled_at;
  return settlement;
}

Settlement settle_deposit(Book& book, const Transaction& transaction, Timestamp settled_at) {
  const AccountKey key{transaction.partition, transaction.user_id, transaction.currency};
  Account& account = book.account(key);
  Totals& totals = book.totals(transaction.currency);
  const std::optional<Failure> failure = check_credit(account, transaction.amount_minor);
  if (!failure) {
    account.posted += transaction.amount_minor;
    totals.deposits = wrapping_add(totals.deposits, transaction.amount_minor);
    book.touch(key, account);
    book.touch_totals(transaction.currency);
  }
  return settlement_of(transaction, account, failure, settled_at);
}

Settlement settle_withdrawal(Book& book, const Transaction& transaction, Timestamp settled_at) {
  const AccountKey key{transaction.partition, transaction.user_id, transaction.currency};
  Account& account = book.account(key);
  Totals& totals = book.totals(transaction.currency);
  std::optional<Failure> failure = check_debit(account, transaction.amount_minor);
  if (!failure && !checked_sub(account.posted, transaction.amount_minor)) failure = Failure::balance_overflow;
  if (!failure) {
    account.posted -= transaction.amount_minor;
    totals.withdrawals = wrapping_add(totals.withdrawals, transaction.amount_minor);
    book.touch(key, account);
    book.touch_totals(transaction.currency);
  }
  return settlement_of(transaction, account, failure, settled_at);
}

Settlement settle_transfer(Book& book, const Transaction& transaction, Timestamp settled_at) {
  const AccountKey from_key{transaction.partition, transaction.user_id, transaction.currency};
  const AccountKey to_key{transaction.to_partition.value_or(transaction.partition), *transaction.to_user_id,
                          transaction.currency};
  book.account(to_key);  // both exist before references are taken: a rehash moves buckets, not elements
  Account& from = book.account(from_key);
  Account& to = book.account(to_key);
  std::optional<Failure> failure = check_debit(from, transaction.amount_minor);
  if (!failure && !checked_sub(from.posted, transaction.amount_minor)) failure = Failure::balance_overflow;
  if (!failure) failure = check_credit(to, transaction.amount_minor);
  if (!failure) {
    from.posted -= transaction.amount_minor;
    to.posted += transaction.amount_minor;
    book.touch(from_key, from);
    book.touch(to_key, to);
  }
  Settlement settlement = settlement_of(transaction, from, failure, settled_at);
  if (!failure) {
    settlement.to_posted_after = to.posted;
    settlement.to_account_version = to.version;
  }
  return settlement;
}

bool is_processable(const Transaction& transaction) {
  if (transaction.amount_minor <= 0 || transaction.capture != Capture::automatic) return false;
  switch (transaction.type) {
    case Type::deposit:
    case Type::withdrawal:
      return true;
    case Type::transfer:
      return transaction.to_user_id.has_value() && *transaction.to_user_id != transaction.user_id;
    default:
      return false;
  }
}

Settlement settle_one(Book& book, const Transaction& transaction, Timestamp settled_at) {
  if (!is_processable(transaction)) {
    const Account& account = book.account({transaction.partition, transaction.user_id, transaction.currency});
    return settlement_of(transaction, account, Failure::unprocessable, settled_at);
  }
  switch (transaction.type) {
    case Type::withdrawal:
      return settle_withdrawal(book, transaction, settled_at);
    case Type::transfer:
      return settle_transfer(book, transaction, settled_at);
    default:
      return settle_deposit(book, transaction, settled_at);
  }
}

}  // namespace

SettlementOutput settle(const SettlementInput& input, Timestamp now) {
  Book book(input);
  SettlementOutput output;
  output.settlements.reserve(input.transactions.size());
  Timestamp settled_at = std::max(now, input.last_settled_at);
  for (const Transaction& transaction : input.transactions) {
    settled_at = std::max(settled_at, transaction.created_at);
    output.settlements.push_back(settle_one(book, transaction, settled_at));
  }
  book.write_to(output);
  return output;
}

}  // namespace tps::domain
