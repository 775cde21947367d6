// For tests of this room: a whole service over a store that is two vectors. Accepts by the domain's rules; a user id
// that starts with "fault:" makes the store fail in that way.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>

#include "http/api/services.hpp"
#include "ports/history.hpp"
#include "ports/store.hpp"
#include "service/flights.hpp"
#include "service/transactions.hpp"

namespace tps::http {

class TestStore : public ports::Store {
 public:
  ports::StoreResult<ports::StoreIdentity> open(ports::Deadline /*deadline*/) override {
    return ports::StoreIdentity{};
  }

  std::optional<ports::StoreFault> append(std::span<domain::Submission* const> flight, domain::Timestamp now,
                                          ports::Deadline /*deadline*/) override {
    const std::scoped_lock lock(mutex_);
    domain::Existing existing;
    std::optional<ports::StoreFault> fault;
    for (const domain::Transaction& transaction : log_) {
      if (transaction.idempotency_hash) existing.by_key.emplace(*transaction.idempotency_hash, transaction);
      existing.parents.emplace(transaction.id, transaction);
      if (transaction.reference) existing.by_reference[{transaction.user_id, *transaction.reference}] = transaction.id;
    }
    for (domain::Submission* submission : flight) {
      if (submission->transaction.user_id == "fault:unknown") submission->acceptance = domain::Acceptance::unknown;
      if (submission->transaction.user_id == "fault:down") submission->acceptance = domain::Acceptance::unavailable;
      if (submission->transaction.user_id == "fault:clock") {
        submission->acceptance = domain::Acceptance::unavailable;
        fault = ports::StoreFault{ports::StoreFault::Kind::clock_wrong, "planned"};
      }
    }
    domain::accept(flight, existing, static_cast<std::int64_t>(log_.size()), {}, now);
    for (const domain::Submission* submission : flight) {
      if (submission->acceptance == domain::Acceptance::accepted) log_.push_back(submission->transaction);
    }
    return fault;
  }

  ports::StoreResult<std::optional<domain::SettlementInput>> next(std::uint32_t, std::size_t,
                                                                  ports::Deadline) override {
    return std::nullopt;
  }
  ports::StoreResult<void> record(std::uint32_t, const domain::SettlementOutput&, ports::Deadline) override {
    return {};
  }

  ports::StoreResult<std::vector<std::optional<domain::Transaction>>> find(std::span<const std::int64_t> ids,
                                                                           ports::Deadline) override {
    const std::scoped_lock lock(mutex_);
    std::vector<std::optional<domain::Transaction>> found;
    for (const std::int64_t id : ids) {
      const bool there = id >= 1 && id <= static_cast<std::int64_t>(log_.size());
      found.push_back(there ? std::optional(log_[static_cast<std::size_t>(id - 1)]) : std::nullopt);
      if (there && settles) {
        found.back()->status = domain::Status::settled;
        found.back()->settled_at = found.back()->created_at;
      }
    }
    return found;
  }

  ports::StoreResult<ports::ListPage> list(const ports::ListQuery& query, ports::Deadline) override {
    const std::scoped_lock lock(mutex_);
    ports::ListPage page;
    if (query.order == ports::Order::oldest_first) {
      const std::int64_t position = query.positions.empty() ? 0 : query.positions.front();
      page.next_positions = {position};
      page.beyond_log = position > static_cast<std::int64_t>(log_.size());
      for (const domain::Transaction& one : log_) {
        if (one.id <= position || page.transactions.size() == query.limit) continue;
        page.transactions.push_back(one);
        page.next_positions = {one.id};
      }
      return page;
    }
    const std::int64_t after = query.after.value_or(INT64_MAX);
    for (auto it = log_.rbegin(); it != log_.rend() && page.transactions.size() < query.limit; ++it) {
      if (it->id >= after || (query.user_id && *query.user_id != it->user_id)) continue;
      page.transactions.push_back(*it);
    }
    if (page.transactions.size() == query.limit) page.next_after = page.transactions.back().id;
    return page;
  }

  ports::StoreResult<std::vector<ports::Balance>> balances(std::uint32_t, const std::string& user_id,
                                                           ports::Deadline) override {
    if (user_id == "nobody") return std::vector<ports::Balance>{};
    return std::vector<ports::Balance>{{"JPY", 5, 0, 5, 0, 1}, {"USD", 1275, 100, 1175, -50, 3, 10000, true}};
  }

  ports::StoreResult<std::vector<ports::Balance>> balances_at(std::uint32_t, const std::string&, domain::Timestamp,
                                                              ports::Deadline) override {
    return std::vector<ports::Balance>{{"USD", 1000, 100, 900, 0, 2}};
  }

  // One entry a page, three of them: 10.00 in, 2.50 out, 1.00 in.
  ports::StoreResult<ports::Statement> statement(const ports::StatementQuery& query, ports::Deadline) override {
    static constexpr std::array<std::int64_t, 3> kChanges{1000, -250, 100};
    static constexpr std::array<std::int64_t, 3> kAfter{1000, 750, 850};
    const std::int64_t at = query.after.value_or(0);
    ports::Statement statement{.opening_minor = 0, .closing_minor = 850, .entries = {}, .next_after = {}};
    if (at >= std::ssize(kChanges)) return statement;
    const auto place = static_cast<std::size_t>(at);
    ports::StatementEntry entry;
    entry.version = at + 1;
    entry.change_minor = kChanges.at(place);
    entry.posted_after = kAfter.at(place);
    entry.transaction.id = at + 1;
    entry.transaction.user_id = query.user_id;
    entry.transaction.currency = query.currency;
    entry.transaction.type = entry.change_minor > 0 ? domain::Type::deposit : domain::Type::withdrawal;
    statement.entries.push_back(std::move(entry));
    if (at + 1 < std::ssize(kChanges)) statement.next_after = at + 1;
    return statement;
  }
  ports::StoreResult<ports::DueHolds> expired_holds(std::uint32_t, domain::Timestamp, const ports::HoldPosition&,
                                                    std::size_t, ports::Deadline) override {
    return ports::DueHolds{};
  }
  ports::StoreResult<Backlog> backlog(std::uint32_t, ports::Deadline) override { return Backlog{}; }
  ports::StoreResult<ports::Pong> ping(ports::Deadline) override { return ports::Pong{}; }

  std::atomic<bool> settles = false;  // from now on transactions in the log read as settled

  [[nodiscard]] std::size_t size() const {
    const std::scoped_lock lock(mutex_);
    return log_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<domain::Transaction> log_;
};

struct TestService {
  static domain::Timestamp now() {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  }

  TestStore store;
  ops::Metrics metrics;
  domain::Currencies currencies;
  ports::History history;
  service::LocalCache local_cache{1000, history};
  service::Waiters waiters{store};
  lanes::Lane submit{{.name = "submit"}, metrics, service::submit_flight(store, now, [] {}, metrics)};
  lanes::Lane read{{.name = "read"}, metrics, service::find_flight(store, metrics)};
  lanes::Lane query{{.name = "query", .max_flight = 1}, metrics, service::query_flight(store)};
  service::Transactions transactions{1,
                                     {.submit = submit,
                                      .read = read,
                                      .balance = query,
                                      .query = query,
                                      .history = history,
                                      .local_cache = local_cache,
                                      .waiters = waiters,
                                      .metrics = metrics}};

  Services services(Readiness readiness, ApiOptions options = {}) {
    return {.options = options,
            .transactions = &transactions,
            .currencies = currencies,
            .metrics = metrics,
            .readiness = std::move(readiness)};
  }
};

}  // namespace tps::http
