// A ledger in memory, kept with the functions of the domain, that tests can tamper with; and the audit's view of it.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "domain/settlement.hpp"
#include "ports/audit.hpp"
#include "ports/store.hpp"
#include "service/identity.hpp"

namespace tps::test {

struct Books {
  struct Log {
    std::vector<domain::Transaction> transactions;
    std::vector<domain::Settlement> settlements;  // of the first ones
    std::vector<std::int64_t> unreadable;
    domain::TotalsByCurrency totals;
    std::int64_t orphans = 0;
  };
  std::vector<Log> logs;
  domain::Accounts accounts;
  domain::Holds holds;
  domain::Reversals reversals;
  std::int64_t clock_us = 1'000'000;
  std::mt19937_64 random;

  explicit Books(std::uint32_t partitions, std::uint64_t seed = 1) : logs(partitions), random(seed) {}

  [[nodiscard]] std::uint32_t partitions() const { return static_cast<std::uint32_t>(logs.size()); }
  std::int64_t below(std::int64_t limit) { return std::uniform_int_distribution<std::int64_t>(0, limit - 1)(random); }

  // Completes and appends; the answer is its id.
  std::int64_t submit(domain::Transaction transaction) {
    transaction.partition = service::partition_of(transaction.user_id, partitions());
    if (transaction.to_user_id) {
      transaction.to_partition = service::partition_of(*transaction.to_user_id, partitions());
    }
    Log& log = logs.at(transaction.partition);
    transaction.id =
        domain::id_before_first(transaction.partition) + static_cast<std::int64_t>(log.transactions.size()) + 1;
    transaction.created_at = domain::Timestamp(std::chrono::microseconds(++clock_us));
    if (transaction.capture == domain::Capture::manual && !transaction.hold_expires_at) {
      transaction.hold_expires_at = transaction.created_at + std::chrono::microseconds(500);
    }
    log.transactions.push_back(transaction);
    return transaction.id;
  }

  // Settles up to `max` of a partition. `skew_us`: how wrong the clock of the worker is.
  void settle(std::uint32_t partition, std::size_t max, std::int64_t skew_us = 0) {
    Log& log = logs.at(partition);
    domain::SettlementInput input;
    const std::size_t position = log.settlements.size();
    for (std::size_t i = position; i < log.transactions.size() && i < position + max; ++i) {
      input.transactions.push_back(log.transactions[i]);
      const auto parent = log.transactions[i].parent_id.value_or(0);
      if (parent > 0) input.parents.emplace(parent, at(parent).value_or(domain::Transaction{}));
    }
    input.accounts = accounts;
    input.holds = holds;
    input.reversals = reversals;
    input.totals = log.totals;
    if (position > 0) input.last_settled_at = log.settlements.back().settled_at;
    const auto output = domain::settle(input, domain::Timestamp(std::chrono::microseconds(++clock_us + skew_us)));
    log.settlements.insert(log.settlements.end(), output.settlements.begin(), output.settlements.end());
    for (const auto& [key, account] : output.accounts) accounts[key] = account;
    for (const auto& hold : output.holds) holds[hold.transaction_id] = hold;
    for (const auto& [id, reversed] : output.reversals) reversals[id] = reversed;
    for (const auto& [currency, totals] : output.totals) log.totals[currency] = totals;
  }

  void settle_all() {
    for (std::uint32_t partition = 0; partition < partitions(); ++partition) settle(partition, 1'000'000);
  }

  [[nodiscard]] std::optional<domain::Transaction> at(std::int64_t id) const {
    if (domain::partition_of_id(id) >= logs.size()) return std::nullopt;
    const Log& log = logs[domain::partition_of_id(id)];
    const auto found = std::ranges::find(log.transactions, id, &domain::Transaction::id);
    if (found == log.transactions.end()) return std::nullopt;
    domain::Transaction transaction = *found;
    const auto settlement = std::ranges::find(log.settlements, id, &domain::Settlement::transaction_id);
    if (settlement != log.settlements.end()) transaction.status = settlement->status;
    return transaction;
  }

  domain::Transaction& transaction(std::int64_t id) {
    return *std::ranges::find(logs[domain::partition_of_id(id)].transactions, id, &domain::Transaction::id);
  }
  domain::Settlement& settlement(std::int64_t id) {
    return *std::ranges::find(logs[domain::partition_of_id(id)].settlements, id, &domain::Settlement::transaction_id);
  }

  // A user of this partition, a different one for each `name`.
  std::string user_of(std::uint32_t partition, const std::string& name = "user") const {
    for (int i = 0;; ++i) {
      const std::string user = name + std::to_string(i);
      if (service::partition_of(user, partitions()) == partition) return user;
    }
  }

  domain::AccountKey key(const std::string& user, const std::string& currency = "USD") const {
    return {service::partition_of(user, partitions()), user, currency};
  }
};

inline domain::Transaction make(domain::Type type, const std::string& user, std::int64_t amount,
                                const std::string& currency = "USD") {
  domain::Transaction transaction;
  transaction.type = type;
  transaction.user_id = user;
  transaction.amount_minor = amount;
  transaction.currency = currency;
  return transaction;
}

inline domain::Transaction child(domain::Type type, const domain::Transaction& parent, std::int64_t amount) {
  domain::Transaction transaction = make(type, parent.user_id, amount, parent.currency);
  transaction.parent_id = parent.id;
  const bool moves = type == domain::Type::capture || type == domain::Type::reversal;
  if (moves) transaction.to_user_id = parent.to_user_id;
  return transaction;
}

// One random transaction: small balances, so that many fail; every type; children of whatever is there.
inline void submit_random(Books& books) {
  using domain::Type;
  const std::string user = "user_" + std::to_string(books.below(12));
  const std::string currency = books.below(4) == 0 ? "EUR" : "USD";
  const std::int64_t amount = 1 + books.below(100);
  const std::int64_t dice = books.below(20);
  domain::Transaction transaction = make(Type::deposit, user, amount, currency);
  if (dice >= 5 && dice < 12) {
    transaction.type = dice < 7 ? Type::withdrawal : Type::transfer;
    transaction.to_user_id = std::string("user_" + std::to_string(books.below(12)));
    if (transaction.type == Type::withdrawal || transaction.to_user_id == user) {
      transaction.to_user_id.reset();
      transaction.type = Type::withdrawal;
    }
    if (books.below(3) == 0) transaction.capture = domain::Capture::manual;
  } else if (dice == 12) {
    transaction.type = Type::account_update;
    transaction.amount_minor = 0;
    transaction.overdraft_limit = books.below(50);
    transaction.frozen = books.below(6) == 0;
  } else if (dice > 12) {
    const auto& log = books.logs[service::partition_of(user, books.partitions())].transactions;
    if (log.empty()) return;
    const auto& parent = log[static_cast<std::size_t>(books.below(static_cast<std::int64_t>(log.size())))];
    const bool manual = parent.capture == domain::Capture::manual;
    Type type = Type::reversal;
    if (manual) type = dice < 17 ? Type::capture : (dice < 18 ? Type::void_ : Type::expiry);
    if (!manual && !domain::is_possible_parent(Type::reversal, parent)) return;
    transaction = child(type, parent, std::min(amount, parent.amount_minor));
  }
  if (books.below(3) == 0) {
    domain::Hash128 hash{};
    for (auto& byte : hash) byte = static_cast<std::uint8_t>(books.below(256));
    transaction.idempotency_hash = hash;
  }
  if (books.below(5) == 0) transaction.reference = "reference " + std::to_string(books.clock_us);
  books.submit(transaction);
}

// Random transactions, settled now and then by workers whose clocks differ by up to `skew_us`.
inline void grow(Books& books, int transactions, std::int64_t skew_us = 0) {
  for (int i = 0; i < transactions; ++i) {
    submit_random(books);
    const std::uint32_t partition = static_cast<std::uint32_t>(books.below(books.partitions()));
    const std::int64_t skew = skew_us == 0 ? 0 : static_cast<std::int64_t>(partition) * skew_us;
    if (books.below(4) == 0) books.settle(partition, static_cast<std::size_t>(1 + books.below(20)), skew);
  }
}

class BooksAudit final : public ports::Audit {
 public:
  // `before_call` runs before every call: the books may grow in it, or the call fail (true), given the rows asked for.
  explicit BooksAudit(
      Books& books, std::function<bool(std::size_t)> before_call = [](std::size_t) { return false; })
      : books_(books), before_call_(std::move(before_call)) {}

  ports::StoreResult<ports::StoreIdentity> open(ports::Deadline) override {
    return ports::StoreIdentity{
        .store_id = "books", .schema = 2, .partitions = books_.partitions(), .cache_secret = {}};
  }

  ports::StoreResult<std::vector<std::int64_t>> positions(ports::Deadline) override {
    if (before_call_(0)) return fault();
    return positions();
  }

  ports::StoreResult<std::vector<Entry>> entries(std::uint32_t partition, std::int64_t after, std::size_t max,
                                                 ports::Deadline) override {
    if (before_call_(max)) return fault();
    std::vector<Entry> found;
    const Books::Log& log = books_.logs.at(partition);
    for (const domain::Transaction& transaction : log.transactions) {
      if (transaction.id <= after || found.size() == max) continue;
      Entry& entry = found.emplace_back();
      entry.transaction = transaction;
      entry.readable = std::ranges::find(log.unreadable, transaction.id) == log.unreadable.end();
      const auto settlement = std::ranges::find(log.settlements, transaction.id, &domain::Settlement::transaction_id);
      if (settlement == log.settlements.end()) continue;
      entry.settlement = *settlement;
      entry.transaction.status = settlement->status;
      entry.transaction.failure = settlement->failure;
    }
    return found;
  }

  ports::StoreResult<std::int64_t> orphans(std::uint32_t partition, ports::Deadline) override {
    if (before_call_(0)) return fault();
    return books_.logs.at(partition).orphans;
  }

  ports::StoreResult<Piece<AccountRow>> accounts(const std::optional<domain::AccountKey>& after, std::size_t max,
                                                 ports::Deadline) override {
    if (before_call_(max)) return fault();
    std::vector<AccountRow> rows(books_.accounts.begin(), books_.accounts.end());
    std::erase_if(rows, [&](const AccountRow& row) { return after && row.first <= *after; });
    return piece(std::move(rows), max, [](const AccountRow& row) { return row.first; });
  }

  ports::StoreResult<Piece<domain::Hold>> holds(std::int64_t after, std::size_t max, ports::Deadline) override {
    if (before_call_(max)) return fault();
    std::vector<domain::Hold> rows;
    for (const auto& [id, hold] : books_.holds) {
      if (id > after) rows.push_back(hold);
    }
    return piece(std::move(rows), max, [](const domain::Hold& row) { return row.transaction_id; });
  }

  ports::StoreResult<Piece<ReversalRow>> reversals(std::int64_t after, std::size_t max, ports::Deadline) override {
    if (before_call_(max)) return fault();
    std::vector<ReversalRow> rows(books_.reversals.begin(), books_.reversals.end());
    std::erase_if(rows, [&](const ReversalRow& row) { return row.first <= after; });
    return piece(std::move(rows), max, [](const ReversalRow& row) { return row.first; });
  }

  ports::StoreResult<Piece<TotalsRow>> totals(ports::Deadline) override {
    if (before_call_(0)) return fault();
    std::vector<TotalsRow> rows;
    for (std::uint32_t partition = 0; partition < books_.partitions(); ++partition) {
      for (const auto& [currency, totals] : books_.logs[partition].totals) {
        rows.push_back({{partition, currency}, totals});
      }
    }
    const std::size_t all = rows.size();
    return piece(std::move(rows), all, [](const TotalsRow& row) { return row.first; });
  }

  ports::StoreResult<std::int64_t> open_holds(ports::Deadline) override {
    if (before_call_(0)) return fault();
    return std::ranges::count_if(books_.holds,
                                 [](const auto& row) { return row.second.status == domain::Status::authorized; });
  }

  ports::StoreResult<std::vector<std::optional<domain::Transaction>>> find(std::span<const std::int64_t> ids,
                                                                           ports::Deadline) override {
    if (before_call_(ids.size())) return fault();
    std::vector<std::optional<domain::Transaction>> found;
    for (const std::int64_t id : ids) found.push_back(books_.at(id));
    return found;
  }

 private:
  static std::unexpected<ports::StoreFault> fault() {
    return std::unexpected(ports::StoreFault{ports::StoreFault::Kind::unavailable, "too slow"});
  }

  [[nodiscard]] std::vector<std::int64_t> positions() const {
    std::vector<std::int64_t> positions;
    for (std::uint32_t partition = 0; partition < books_.partitions(); ++partition) {
      const auto& settlements = books_.logs[partition].settlements;
      positions.push_back(settlements.empty() ? domain::id_before_first(partition) : settlements.back().transaction_id);
    }
    return positions;
  }

  template <class Row, class KeyOf>
  Piece<Row> piece(std::vector<Row> rows, std::size_t max, KeyOf key_of) const {
    std::ranges::sort(rows, {}, key_of);
    if (rows.size() > max) rows.resize(max);
    return {positions(), std::move(rows)};
  }

  Books& books_;
  const std::function<bool(std::size_t)> before_call_;
};

}  // namespace tps::test
