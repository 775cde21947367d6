#include "domain/ledger.hpp"

#include <algorithm>

#include "domain/money.hpp"

namespace tps::domain {
namespace {

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

std::optional<Failure> check_posting(const Account& account, std::int64_t amount) {
  if (!checked_add(account.posted, amount)) return Failure::balance_overflow;
  return std::nullopt;
}

// A debit that is posted at once.
std::optional<Failure> check_payment(const Account& account, std::int64_t amount) {
  if (const auto failure = check_debit(account, amount)) return failure;
  return check_posting(account, -amount);
}

void add_to(std::int64_t& total, std::int64_t amount) { total = wrapping_add(total, amount); }

bool is_between_two(const Transaction& transaction) {
  if (!transaction.to_user_id) return false;
  const bool moves =
      transaction.type == Type::transfer || transaction.type == Type::capture || transaction.type == Type::reversal;
  return moves && transaction.capture == Capture::automatic;
}

bool has_good_receiver(const Transaction& transaction) {
  return transaction.to_user_id.has_value() && *transaction.to_user_id != transaction.user_id;
}

// A parent comes earlier in the log. The knowledge about a later one would depend on where the log is cut into batches.
bool has_good_parent(const Transaction& transaction) {
  return transaction.parent_id && *transaction.parent_id < transaction.id;
}

// Whether the members that the rules of its type need are there and in range.
bool is_processable(const Transaction& transaction) {
  const bool manual = transaction.capture == Capture::manual;
  if (manual != transaction.hold_expires_at.has_value()) return false;
  if (transaction.type == Type::account_update) {
    // One that says nothing is a row that could not be read: its amount is 0, too.
    const bool says_something = transaction.overdraft_limit || transaction.frozen;
    return !manual && says_something && transaction.amount_minor == 0 && transaction.overdraft_limit.value_or(0) >= 0;
  }
  if (transaction.amount_minor <= 0) return false;
  switch (transaction.type) {
    case Type::deposit:
      return !manual && !transaction.to_user_id;
    case Type::withdrawal:
      return !transaction.to_user_id;
    case Type::transfer:
      return has_good_receiver(transaction);
    case Type::capture:
    case Type::void_:
    case Type::expiry:
    case Type::reversal:
      return !manual && has_good_parent(transaction) && (!transaction.to_user_id || has_good_receiver(transaction));
    default:
      return false;
  }
}

// A child has its accounts from its parent.
bool belongs_to(const Transaction& child, const Transaction& parent) {
  return child.user_id == parent.user_id && child.currency == parent.currency && child.to_user_id == parent.to_user_id;
}

Status status_of(const Transaction& transaction, std::optional<Failure> failure) {
  if (failure) return Status::failed;
  return transaction.capture == Capture::manual ? Status::authorized : Status::settled;
}

Settlement settlement_of(const Transaction& transaction, const Account& account, std::optional<Failure> failure,
                         Timestamp settled_at) {
  Settlement settlement;
  settlement.partition = transaction.partition;
  settlement.transaction_id = transaction.id;
  settlement.status = status_of(transaction, failure);
  settlement.failure = failure;
  settlement.posted_after = account.posted;
  settlement.held_after = account.held;
  settlement.account_version = account.version;
  settlement.settled_at = settled_at;
  return settlement;
}

}  // namespace

Ledger::Ledger(Accounts accounts, Holds holds, Reversals reversals)
    : accounts_(std::move(accounts)), holds_(std::move(holds)), reversals_(std::move(reversals)) {}

Settlement Ledger::settle(const Transaction& transaction, Parent parent, Timestamp settled_at) {
  if (!is_processable(transaction)) return refuse(transaction, settled_at);
  BothAccounts sides = sides_of(transaction);
  const std::optional<Failure> failure = apply(transaction, parent, sides, settled_at);
  if (failure == Failure::unprocessable) return refuse(transaction, settled_at);
  Settlement settlement = settlement_of(transaction, *sides.from, failure, settled_at);
  if (sides.to != nullptr) {
    settlement.to_posted_after = sides.to->posted;
    settlement.to_account_version = sides.to->version;
  }
  return settlement;
}

Settlement Ledger::refuse(const Transaction& transaction, Timestamp settled_at) {
  return settlement_of(transaction, accounts_[payer_of(transaction)], Failure::unprocessable, settled_at);
}

Ledger::BothAccounts Ledger::sides_of(const Transaction& transaction) {
  // Entries stay where they are: a rehash moves buckets, not elements.
  const auto entry_of = [this](AccountKey key) { return &*accounts_.try_emplace(std::move(key)).first; };
  BothAccounts sides;
  sides.from_entry = entry_of(payer_of(transaction));
  sides.from = &sides.from_entry->second;
  if (is_between_two(transaction)) {
    sides.to_entry = entry_of(*receiver_of(transaction));
    sides.to = &sides.to_entry->second;
  }
  return sides;
}

std::optional<Failure> Ledger::apply(const Transaction& transaction, Parent parent, BothAccounts& sides,
                                     Timestamp settled_at) {
  switch (transaction.type) {
    case Type::deposit:
      return deposit(transaction, sides);
    case Type::withdrawal:
      return transaction.capture == Capture::manual ? hold(transaction, sides) : withdraw(transaction, sides);
    case Type::transfer:
      return transaction.capture == Capture::manual ? hold(transaction, sides) : transfer(transaction, sides);
    case Type::capture:
      return capture(transaction, sides, settled_at);
    case Type::void_:
    case Type::expiry:
      return release(transaction, sides, settled_at);
    case Type::reversal:
      return reverse(transaction, parent, sides);
    case Type::account_update:
      update(transaction, sides);
      return std::nullopt;
  }
  return Failure::unprocessable;
}

std::optional<Failure> Ledger::deposit(const Transaction& transaction, BothAccounts& sides) {
  if (const auto failure = check_posting(*sides.from, transaction.amount_minor)) return failure;
  sides.from->posted += transaction.amount_minor;
  add_to(totals_of(transaction).deposits, transaction.amount_minor);
  touch(*sides.from_entry);
  return std::nullopt;
}

std::optional<Failure> Ledger::withdraw(const Transaction& transaction, BothAccounts& sides) {
  if (const auto failure = check_payment(*sides.from, transaction.amount_minor)) return failure;
  sides.from->posted -= transaction.amount_minor;
  add_to(totals_of(transaction).withdrawals, transaction.amount_minor);
  touch(*sides.from_entry);
  return std::nullopt;
}

std::optional<Failure> Ledger::transfer(const Transaction& transaction, BothAccounts& sides) {
  if (const auto failure = check_payment(*sides.from, transaction.amount_minor)) return failure;
  if (const auto failure = check_posting(*sides.to, transaction.amount_minor)) return failure;
  sides.from->posted -= transaction.amount_minor;
  sides.to->posted += transaction.amount_minor;
  touch(*sides.from_entry);
  touch(*sides.to_entry);
  return std::nullopt;
}

std::optional<Failure> Ledger::hold(const Transaction& transaction, BothAccounts& sides) {
  if (const auto failure = check_debit(*sides.from, transaction.amount_minor)) return failure;
  const auto held = checked_add(sides.from->held, transaction.amount_minor);
  if (!held) return Failure::balance_overflow;
  sides.from->held = *held;
  touch(*sides.from_entry);
  Hold& hold = holds_[transaction.id];
  hold.transaction_id = transaction.id;
  hold.user_id = transaction.user_id;
  hold.currency = transaction.currency;
  hold.held_minor = transaction.amount_minor;
  hold.expires_at = *transaction.hold_expires_at;
  changed_holds_.insert(transaction.id);
  return std::nullopt;
}

// The one that a capture, void or expiry would end.
std::expected<Hold*, Failure> Ledger::open_hold_of(const Transaction& child) {
  const auto found = holds_.find(*child.parent_id);
  if (found == holds_.end()) return std::unexpected(Failure::invalid_parent_state);
  Hold& hold = found->second;
  const bool is_its_own = hold.user_id == child.user_id && hold.currency == child.currency;
  if (!is_its_own) return std::unexpected(Failure::unprocessable);
  if (hold.status != Status::authorized) return std::unexpected(Failure::invalid_parent_state);
  return &hold;
}

std::optional<Failure> Ledger::capture(const Transaction& transaction, BothAccounts& sides, Timestamp settled_at) {
  const auto found = open_hold_of(transaction);
  if (!found) return found.error();
  Hold& hold = **found;
  if (transaction.created_at >= hold.expires_at) return Failure::invalid_parent_state;
  if (transaction.amount_minor > hold.held_minor) return Failure::capture_exceeds_hold;
  if (sides.from->frozen) return Failure::account_frozen;
  if (const auto failure = check_posting(*sides.from, -transaction.amount_minor)) return failure;
  if (sides.to != nullptr) {
    if (const auto failure = check_posting(*sides.to, transaction.amount_minor)) return failure;
  }
  sides.from->posted -= transaction.amount_minor;
  sides.from->held -= hold.held_minor;
  touch(*sides.from_entry);
  if (sides.to != nullptr) {
    sides.to->posted += transaction.amount_minor;
    touch(*sides.to_entry);
  } else {
    add_to(totals_of(transaction).captures, transaction.amount_minor);
  }
  close(hold, transaction, Status::settled, transaction.amount_minor, settled_at);
  return std::nullopt;
}

std::optional<Failure> Ledger::release(const Transaction& transaction, BothAccounts& sides, Timestamp settled_at) {
  const auto found = open_hold_of(transaction);
  if (!found) return found.error();
  Hold& hold = **found;
  sides.from->held -= hold.held_minor;
  touch(*sides.from_entry);
  close(hold, transaction, transaction.type == Type::void_ ? Status::voided : Status::expired, 0, settled_at);
  return std::nullopt;
}

std::optional<Failure> Ledger::reverse(const Transaction& transaction, Parent parent, BothAccounts& sides) {
  if (parent.transaction == nullptr) return Failure::unprocessable;
  const Transaction& original = *parent.transaction;
  if (!belongs_to(transaction, original)) return Failure::unprocessable;
  if (!parent.settled || !is_possible_parent(Type::reversal, original)) return Failure::invalid_parent_state;
  const auto found = reversals_.find(original.id);
  const std::int64_t reversed = found == reversals_.end() ? 0 : found->second;
  if (transaction.amount_minor > original.amount_minor - reversed) return Failure::reversal_exceeds_original;
  if (const auto failure = move_back(transaction, original, sides)) return failure;
  reversals_[original.id] = reversed + transaction.amount_minor;
  changed_reversals_.insert(original.id);
  return std::nullopt;
}

// A transfer goes from the receiver back to the payer, a deposit is taken back, a withdrawal comes back.
std::optional<Failure> Ledger::move_back(const Transaction& reversal, const Transaction& original,
                                         BothAccounts& sides) {
  const std::int64_t amount = reversal.amount_minor;
  const bool is_deposit = original.type == Type::deposit;
  Account* const debited = is_deposit ? sides.from : sides.to;
  Account* const credited = is_deposit ? nullptr : sides.from;
  if (debited != nullptr) {
    if (const auto failure = check_payment(*debited, amount)) return failure;
  }
  if (credited != nullptr) {
    if (const auto failure = check_posting(*credited, amount)) return failure;
  }
  if (debited != nullptr) debited->posted -= amount;
  if (credited != nullptr) credited->posted += amount;
  touch(*sides.from_entry);
  if (sides.to != nullptr) {
    touch(*sides.to_entry);
  } else {
    Totals& totals = totals_of(reversal);
    add_to(is_deposit ? totals.deposit_reversals : totals.withdrawal_reversals, amount);
  }
  return std::nullopt;
}

void Ledger::update(const Transaction& transaction, BothAccounts& sides) {
  if (transaction.overdraft_limit) sides.from->overdraft_limit = *transaction.overdraft_limit;
  if (transaction.frozen) sides.from->frozen = *transaction.frozen;
  touch(*sides.from_entry);
}

void Ledger::close(Hold& hold, const Transaction& by, Status status, std::int64_t captured, Timestamp at) {
  hold.status = status;
  hold.captured_minor = captured;
  hold.closed_by = by.id;
  hold.closed_at = at;
  changed_holds_.insert(hold.transaction_id);
}

Totals& Ledger::totals_of(const Transaction& transaction) {
  const TotalsKey key{transaction.partition, transaction.currency};
  changed_totals_.insert(key);
  return totals_[key];
}

// A settlement touched it: it gets the next version and will be written.
void Ledger::touch(Accounts::value_type& entry) {
  ++entry.second.version;
  if (changed_accounts_.size() == changed_accounts_.capacity()) make_room_for_changes();
  changed_accounts_.push_back(&entry);
}

// As many as there are accounts, a few times over, however many transactions there are.
void Ledger::make_room_for_changes() {
  constexpr std::size_t kLeast = 1024;
  forget_repeated_changes();
  changed_accounts_.reserve(std::max(kLeast, 4 * changed_accounts_.size()));
}

// By address, which is the cheapest to compare.
void Ledger::forget_repeated_changes() {
  std::ranges::sort(changed_accounts_);
  const auto repeated = std::ranges::unique(changed_accounts_);
  changed_accounts_.erase(repeated.begin(), repeated.end());
}

void Ledger::take_changes(SettlementOutput& output) {
  forget_repeated_changes();
  std::ranges::sort(changed_accounts_, {},
                    [](const Accounts::value_type* entry) -> const AccountKey& { return entry->first; });
  output.accounts.reserve(changed_accounts_.size());
  for (const Accounts::value_type* entry : changed_accounts_) output.accounts.emplace_back(*entry);
  output.holds.reserve(changed_holds_.size());
  for (const std::int64_t id : changed_holds_) output.holds.push_back(holds_.at(id));
  for (const std::int64_t id : changed_reversals_) output.reversals.emplace_back(id, reversals_.at(id));
  for (const TotalsKey& key : changed_totals_) output.totals.emplace_back(key.second, totals_.at(key));
  changed_accounts_.clear();
  changed_holds_.clear();
  changed_reversals_.clear();
  changed_totals_.clear();
}

}  // namespace tps::domain
