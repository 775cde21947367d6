#include "domain/settlement.hpp"

#include <algorithm>

#include "domain/ledger.hpp"
#include "domain/money.hpp"

namespace tps::domain {
namespace {

Ledger ledger_of(const SettlementInput& input) {
  Ledger ledger(input.accounts, input.holds, input.reversals);
  if (input.transactions.empty()) return ledger;
  const std::uint32_t partition = input.transactions.front().partition;
  for (const auto& [currency, totals] : input.totals) ledger.set_totals({partition, currency}, totals);
  return ledger;
}

// Among what was fetched, or earlier in the same batch.
Parent parent_of(const Transaction& child, const SettlementInput& input, const std::vector<Settlement>& settled) {
  if (child.type != Type::reversal || !child.parent_id) return {};
  const auto earlier = std::ranges::lower_bound(settled, *child.parent_id, {}, &Settlement::transaction_id);
  if (earlier != settled.end() && earlier->transaction_id == *child.parent_id) {
    const auto place = static_cast<std::size_t>(earlier - settled.begin());
    return {&input.transactions[place], earlier->status == Status::settled};
  }
  const auto found = input.parents.find(*child.parent_id);
  if (found == input.parents.end()) return {};
  return {&found->second, found->second.status == Status::settled};
}

template <class Decide>
SettlementOutput settle_all(const SettlementInput& input, Timestamp now, Decide decide) {
  Ledger ledger = ledger_of(input);
  SettlementOutput output;
  output.settlements.reserve(input.transactions.size());
  Timestamp settled_at = std::max(now, input.last_settled_at);
  for (const Transaction& transaction : input.transactions) {
    settled_at = std::max(settled_at, transaction.created_at);
    output.settlements.push_back(decide(ledger, transaction, output.settlements, settled_at));
  }
  ledger.take_changes(output);
  return output;
}

}  // namespace

AccountKey payer_of(const Transaction& transaction) {
  return {transaction.partition, transaction.user_id, transaction.currency};
}

std::optional<AccountKey> receiver_of(const Transaction& transaction) {
  if (!transaction.to_user_id) return std::nullopt;
  return AccountKey{transaction.to_partition.value_or(transaction.partition), *transaction.to_user_id,
                    transaction.currency};
}

void put_on(const Settlement& settlement, Transaction& transaction) {
  transaction.status = settlement.status;
  transaction.failure = settlement.failure;
  transaction.settled_at = settlement.settled_at;
}

std::int64_t Totals::net() const {
  const std::int64_t in = wrapping_add(deposits, withdrawal_reversals);
  const std::int64_t out = wrapping_add(wrapping_add(withdrawals, captures), deposit_reversals);
  return wrapping_sub(in, out);
}

std::int64_t posted_change(const Transaction& transaction, std::optional<Type> parent_type, bool incoming) {
  const std::int64_t amount = transaction.amount_minor;
  if (transaction.capture == Capture::manual) return 0;
  switch (transaction.type) {
    case Type::deposit:
      return amount;
    case Type::withdrawal:
      return -amount;
    case Type::transfer:
    case Type::capture:
      return incoming ? amount : -amount;
    case Type::reversal:
      return incoming || parent_type == Type::deposit ? -amount : amount;
    default:
      return 0;
  }
}

SettlementOutput settle(const SettlementInput& input, Timestamp now) {
  return settle_all(
      input, now,
      [&](Ledger& ledger, const Transaction& transaction, const std::vector<Settlement>& settled, Timestamp at) {
        return ledger.settle(transaction, parent_of(transaction, input, settled), at);
      });
}

SettlementOutput settle_unprocessable(const SettlementInput& input, Timestamp now) {
  return settle_all(input, now,
                    [](Ledger& ledger, const Transaction& transaction, const std::vector<Settlement>&, Timestamp at) {
                      return ledger.refuse(transaction, at);
                    });
}

}  // namespace tps::domain
