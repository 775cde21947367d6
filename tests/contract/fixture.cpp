#include "contract/fixture.hpp"

#include <algorithm>
#include <cstring>

#include "ports/store.hpp"

namespace tps::contract {

Transaction deposit(const std::string& user_id, std::int64_t amount_minor, const std::string& currency) {
  Transaction transaction;
  transaction.user_id = user_id;
  transaction.amount_minor = amount_minor;
  transaction.currency = currency;
  transaction.created_by = "tester";
  return transaction;
}

Transaction withdrawal(const std::string& user_id, std::int64_t amount_minor, const std::string& currency) {
  Transaction transaction = deposit(user_id, amount_minor, currency);
  transaction.type = Type::withdrawal;
  return transaction;
}

Transaction transfer(const std::string& from, const std::string& to, std::int64_t amount_minor,
                     const std::string& currency) {
  Transaction transaction = deposit(from, amount_minor, currency);
  transaction.type = Type::transfer;
  transaction.to_user_id = to;
  transaction.to_partition = 0;
  return transaction;
}

Transaction account_update(const std::string& user_id, std::optional<std::int64_t> overdraft_limit,
                           std::optional<bool> frozen) {
  Transaction transaction = deposit(user_id, 0);
  transaction.type = Type::account_update;
  transaction.overdraft_limit = overdraft_limit;
  transaction.frozen = frozen;
  return transaction;
}

Transaction held(Transaction transaction, std::chrono::seconds lives) {
  transaction.capture = domain::Capture::manual;
  transaction.hold_expires_at = Timestamp{lives};
  return transaction;
}

Transaction child(Type type, const Transaction& parent, std::optional<std::int64_t> amount_minor) {
  Transaction transaction = deposit(parent.user_id, amount_minor.value_or(parent.amount_minor), parent.currency);
  transaction.type = type;
  transaction.partition = parent.partition;
  transaction.parent_id = parent.id;
  if (type == Type::expiry) return transaction;
  transaction.to_user_id = parent.to_user_id;
  transaction.to_partition = parent.to_partition;
  return transaction;
}

Transaction in(std::uint32_t partition, Transaction transaction) {
  transaction.partition = partition;
  return transaction;
}

Transaction with_key(Transaction transaction, std::uint64_t key, std::uint8_t content) {
  domain::Hash128 hash{};
  std::memcpy(hash.data(), &key, sizeof key);
  transaction.idempotency_hash = hash;
  transaction.content_hash.emplace().fill(content);
  return transaction;
}

Transaction with_reference(Transaction transaction, const std::string& reference) {
  transaction.reference = reference;
  return transaction;
}

std::vector<std::int64_t> ids_of(const std::vector<Transaction>& transactions) {
  std::vector<std::int64_t> ids;
  ids.reserve(transactions.size());
  for (const Transaction& transaction : transactions) ids.push_back(transaction.id);
  return ids;
}

std::vector<Acceptance> verdicts_of(const std::vector<Submission>& flight) {
  std::vector<Acceptance> verdicts;
  verdicts.reserve(flight.size());
  for (const Submission& submission : flight) verdicts.push_back(submission.acceptance);
  return verdicts;
}

std::vector<Submission> submit(Store& store, const std::vector<Transaction>& transactions,
                               const std::vector<std::uint32_t>& groups, Timestamp now) {
  std::vector<Submission> flight(transactions.size());
  std::vector<Submission*> pointers;
  for (std::size_t i = 0; i < flight.size(); ++i) {
    flight[i].transaction = transactions[i];
    flight[i].group = i < groups.size() ? groups[i] : 0;
    pointers.push_back(&flight[i]);
  }
  store.append(pointers, now, soon());
  return flight;
}

Transaction add(Store& store, const Transaction& transaction, Timestamp now) {
  const std::vector<Submission> flight = submit(store, {transaction}, {}, now);
  EXPECT_EQ(flight[0].acceptance, Acceptance::accepted);
  return flight[0].transaction;
}

domain::SettlementOutput settle(Store& store, std::uint32_t partition, std::size_t max, Timestamp now) {
  const auto input = store.next(partition, max, soon());
  EXPECT_TRUE(input.has_value() && input->has_value());
  if (!input || !*input) return {};
  EXPECT_FALSE((*input)->transactions.empty());
  domain::SettlementOutput output = domain::settle(**input, now);
  const auto recorded = store.record(partition, output, soon());
  EXPECT_TRUE(recorded) << recorded.error().detail;
  return output;
}

Transaction found(Store& store, std::int64_t id) {
  const auto answer = store.find(std::vector{id}, soon());
  EXPECT_TRUE(answer && answer->front()) << id;
  return answer && answer->front() ? *answer->front() : Transaction{};
}

ListPage listed(Store& store, const ListQuery& query) {
  const auto page = store.list(query, soon());
  EXPECT_TRUE(page) << page.error().detail;
  return page ? *page : ListPage{};
}

std::vector<ports::Balance> balances_of(Store& store, const std::string& user_id, std::uint32_t partition) {
  const auto balances = store.balances(partition, user_id, soon());
  EXPECT_TRUE(balances) << balances.error().detail;
  return balances ? *balances : std::vector<ports::Balance>{};
}

ports::Balance balance_of(Store& store, const std::string& user_id, std::uint32_t partition) {
  for (const ports::Balance& balance : balances_of(store, user_id, partition)) {
    if (balance.currency == "USD") return balance;
  }
  return {};
}

domain::SettlementInput taken(Store& store, std::uint32_t partition, std::size_t max) {
  auto input = store.next(partition, max, soon());
  EXPECT_TRUE(input && *input);
  return input && *input ? std::move(**input) : domain::SettlementInput{};
}

}  // namespace tps::contract
