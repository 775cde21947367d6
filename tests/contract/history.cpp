#include "contract/history.hpp"

#include <algorithm>

namespace tps::contract {

void History::run(int rounds) {
  for (int round = 0; round < rounds; ++round) {
    for (std::uint32_t partition = 0; partition < partitions_; ++partition) {
      std::vector<Transaction> flight;
      for (std::int64_t i = up_to(6); i > 0; --i) flight.push_back(something(partition));
      for (const Submission& submission : submit(store_, flight, {}, now_)) {
        EXPECT_EQ(submission.acceptance, Acceptance::accepted);
        accepted_[partition].push_back(submission.transaction);
      }
    }
    now_ += std::chrono::seconds(up_to(4) - 1);
    for (std::uint32_t partition = 0; partition < partitions_; ++partition) settle_some(partition);
  }
}

void History::settle_some(std::uint32_t partition) {
  const domain::SettlementInput input = taken(store_, partition, static_cast<std::size_t>(up_to(9)));
  if (input.transactions.empty()) return;
  const domain::SettlementOutput output = domain::settle(input, now_);
  const auto recorded = store_.record(partition, output, soon());
  ASSERT_TRUE(recorded) << recorded.error().detail;
  for (std::size_t i = 0; i < output.settlements.size(); ++i) {
    settled_.emplace_back(input.transactions[i], output.settlements[i]);
  }
  for (const auto& [key, account] : output.accounts) accounts_[key] = account;
  for (const domain::Hold& hold : output.holds) holds_[hold.transaction_id] = hold;
  for (const auto& [id, reversed] : output.reversals) reversals_[id] = reversed;
  for (const auto& [currency, totals] : output.totals) totals_[{partition, currency}] = totals;
}

std::pair<std::uint32_t, std::string> History::someone() {
  const std::int64_t number = up_to(std::int64_t{2} * partitions_) - 1;
  return {static_cast<std::uint32_t>(number / 2), "user" + std::to_string(number)};
}

Transaction History::some_parent(std::uint32_t partition) {
  const std::vector<Transaction>& all = accepted_[partition];
  if (all.empty()) return in(partition, deposit("nobody"));
  return all[static_cast<std::size_t>(up_to(static_cast<std::int64_t>(all.size())) - 1)];
}

Transaction History::something(std::uint32_t partition) {
  const std::string user = "user" + std::to_string(2 * std::int64_t{partition} + up_to(2) - 1);
  const std::string currency = up_to(4) == 1 ? "EUR" : "USD";
  const std::int64_t amount = up_to(500);
  const auto kind = up_to(12);
  if (kind <= 3) return in(partition, deposit(user, 2 * amount, currency));
  if (kind == 4) return in(partition, withdrawal(user, amount, currency));
  if (kind == 5) return in(partition, held(withdrawal(user, amount, currency), std::chrono::seconds(up_to(20))));
  if (kind <= 8) {
    const auto [to_partition, to] = someone();
    Transaction transaction = in(partition, transfer(user, to, amount, currency));
    transaction.to_partition = to_partition;
    return kind == 8 ? held(transaction, std::chrono::seconds(up_to(20))) : transaction;
  }
  if (kind == 9) {
    Transaction update = in(partition, account_update(user, up_to(300), up_to(8) == 1));
    update.currency = currency;
    return update;
  }
  const Transaction parent = some_parent(partition);
  const std::int64_t part = up_to(std::max<std::int64_t>(parent.amount_minor, 1));
  if (kind == 10) return child(Type::reversal, parent, part);
  if (kind == 11) return child(Type::capture, parent, part);
  return child(up_to(2) == 1 ? Type::void_ : Type::expiry, parent);
}

std::map<domain::AccountKey, std::vector<History::Entry>> History::entries() const {
  std::map<domain::AccountKey, std::vector<Entry>> entries;
  for (const auto& [transaction, settlement] : settled_) {
    if (settlement.status == Status::failed) continue;
    entries[{transaction.partition, transaction.user_id, transaction.currency}].push_back(
        {.version = settlement.account_version,
         .transaction_id = transaction.id,
         .posted_after = settlement.posted_after,
         .held_after = settlement.held_after,
         .settled_at = settlement.settled_at});
    if (!settlement.to_account_version) continue;
    entries[{*transaction.to_partition, *transaction.to_user_id, transaction.currency}].push_back(
        {.version = *settlement.to_account_version,
         .transaction_id = transaction.id,
         .incoming = true,
         .posted_after = *settlement.to_posted_after,
         .settled_at = settlement.settled_at});
  }
  for (auto& [key, of_account] : entries) {
    std::ranges::sort(of_account, {}, &Entry::version);
    Entry before;
    for (Entry& entry : of_account) {
      EXPECT_EQ(entry.version, before.version + 1) << key.user_id << " " << key.currency;
      entry.change_minor = entry.posted_after - before.posted_after;
      if (entry.incoming) entry.held_after = before.held_after;
      before = entry;
    }
  }
  return entries;
}

}  // namespace tps::contract
