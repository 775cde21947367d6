#include "audit/table_check.hpp"

#include <functional>
#include <unordered_map>

namespace tps::audit {
namespace {

using domain::Account;
using domain::AccountKey;
using domain::Hold;
using domain::Totals;

std::string table_text(std::int64_t value) { return std::to_string(value); }
std::string table_text(bool value) { return value ? "true" : "false"; }
std::string table_text(const std::string& value) { return value; }
std::string table_text(domain::Status value) { return std::string(domain::slug(value)); }
std::string table_text(domain::Timestamp value) { return std::to_string(value.time_since_epoch().count()) + " us"; }
template <class T>
std::string table_text(const std::optional<T>& value) {
  return value ? table_text(*value) : std::string("none");
}

// Compares members of two rows; each that differs is reported as `base` with its name and values.
class Members {
 public:
  Members(Differences& differences, Difference base) : differences_(differences), base_(std::move(base)) {}
  template <class T>
  void compare(const char* name, const T& expected, const T& found) {
    if (expected == found) return;
    Difference difference = base_;
    difference.member = name;
    difference.expected = table_text(expected);
    difference.found = table_text(found);
    differences_.add(std::move(difference));
  }

 private:
  Differences& differences_;
  const Difference base_;
};

std::uint64_t bits(std::int64_t value) { return static_cast<std::uint64_t>(value); }
std::string text_of_bits(std::uint64_t value) { return std::to_string(static_cast<std::int64_t>(value)); }

}  // namespace

TableCheck::TableCheck(const domain::Ledger& ledger, Differences& differences)
    : ledger_(ledger), differences_(differences) {
  std::vector<const AccountKey*> accounts;
  accounts.reserve(ledger.accounts().size());
  for (const auto& [key, account] : ledger.accounts()) accounts.push_back(&key);
  account_keys_.start(std::move(accounts));
  std::vector<std::int64_t> holds;
  holds.reserve(ledger.holds().size());
  for (const auto& [id, hold] : ledger.holds()) holds.push_back(id);
  hold_ids_.start(std::move(holds));
  std::vector<std::int64_t> originals;
  originals.reserve(ledger.reversals().size());
  for (const auto& [id, reversed] : ledger.reversals()) originals.push_back(id);
  original_ids_.start(std::move(originals));
}

void TableCheck::note(const domain::SettlementOutput& changes) {
  for (const auto& [key, account] : changes.accounts) account_keys_.add(&ledger_.accounts().find(key)->first);
  for (const Hold& hold : changes.holds) hold_ids_.add(hold.transaction_id);
  for (const auto& [id, reversed] : changes.reversals) original_ids_.add(id);
}

// An account that no settlement touched may have a row or none; it is all zeros either way.
void TableCheck::accounts(std::span<const ports::Audit::AccountRow> rows, const std::optional<AccountKey>& after,
                          bool is_last) {
  for (const auto& [key, found] : rows) {
    const auto expected = ledger_.accounts().find(key);
    compare(key, expected == ledger_.accounts().end() ? Account{} : expected->second, found);
  }
  const std::optional<const AccountKey*> from = after ? std::optional(&*after) : std::nullopt;
  const std::optional<const AccountKey*> to = is_last ? std::nullopt : std::optional(&rows.back().first);
  account_keys_.visit(from, to, [&](const AccountKey* key) {
    if (std::ranges::binary_search(rows, *key, {}, &ports::Audit::AccountRow::first)) return;
    compare(*key, ledger_.accounts().at(*key), Account{});
  });
}

void TableCheck::compare(const AccountKey& key, const Account& expected, const Account& found) {
  if (expected == found) return;
  Members members(differences_, {.kind = DifferenceKind::account_differs,
                                 .partition = key.partition,
                                 .user_id = key.user_id,
                                 .currency = key.currency});
  members.compare("posted", expected.posted, found.posted);
  members.compare("held", expected.held, found.held);
  members.compare("version", expected.version, found.version);
  members.compare("overdraft_limit", expected.overdraft_limit, found.overdraft_limit);
  members.compare("frozen", expected.frozen, found.frozen);
}

void TableCheck::report_row(DifferenceKind kind, std::int64_t id, const char* expected, const char* found) {
  differences_.add({.kind = kind,
                    .partition = domain::partition_of_id(id),
                    .transaction_id = id,
                    .expected = expected,
                    .found = found});
}

void TableCheck::holds(std::span<const Hold> rows, std::int64_t after, bool is_last) {
  for (const Hold& found : rows) {
    const auto expected = ledger_.holds().find(found.transaction_id);
    if (expected != ledger_.holds().end()) {
      compare(expected->second, found);
    } else {
      report_row(DifferenceKind::hold_differs, found.transaction_id, "no row", "a row");
    }
  }
  const std::optional<std::int64_t> to = is_last ? std::nullopt : std::optional(rows.back().transaction_id);
  hold_ids_.visit(after, to, [&](std::int64_t id) {
    if (std::ranges::binary_search(rows, id, {}, &Hold::transaction_id)) return;
    report_row(DifferenceKind::hold_differs, id, "a row", "no row");
  });
}

void TableCheck::compare(const Hold& expected, const Hold& found) {
  if (expected == found) return;
  const std::int64_t id = expected.transaction_id;
  Members members(
      differences_,
      {.kind = DifferenceKind::hold_differs, .partition = domain::partition_of_id(id), .transaction_id = id});
  members.compare("user_id", expected.user_id, found.user_id);
  members.compare("currency", expected.currency, found.currency);
  members.compare("held_minor", expected.held_minor, found.held_minor);
  members.compare("captured_minor", expected.captured_minor, found.captured_minor);
  members.compare("status", expected.status, found.status);
  members.compare("expires_at", expected.expires_at, found.expires_at);
  members.compare("closed_by", expected.closed_by, found.closed_by);
  members.compare("closed_at", expected.closed_at, found.closed_at);
}

void TableCheck::reversals(std::span<const ports::Audit::ReversalRow> rows, std::int64_t after, bool is_last) {
  const auto compare = [&](std::int64_t id, std::int64_t expected, std::int64_t found) {
    Members members(
        differences_,
        {.kind = DifferenceKind::reversal_differs, .partition = domain::partition_of_id(id), .transaction_id = id});
    members.compare("reversed_minor", expected, found);
  };
  for (const auto& [id, found] : rows) {
    const auto expected = ledger_.reversals().find(id);
    compare(id, expected == ledger_.reversals().end() ? 0 : expected->second, found);
  }
  const std::optional<std::int64_t> to = is_last ? std::nullopt : std::optional(rows.back().first);
  original_ids_.visit(after, to, [&](std::int64_t id) {
    if (std::ranges::binary_search(rows, id, {}, &ports::Audit::ReversalRow::first)) return;
    compare(id, ledger_.reversals().at(id), 0);
  });
}

void TableCheck::totals(std::span<const ports::Audit::TotalsRow> rows) {
  // (expected, found) by partition and currency; a row that is not there is all zeros.
  std::map<domain::Ledger::TotalsKey, std::pair<Totals, Totals>> both;
  for (const auto& [key, expected] : ledger_.totals()) both[key].first = expected;
  for (const auto& [key, found] : rows) both[key].second = found;
  for (const auto& [key, pair] : both) {
    const auto& [expected, found] = pair;
    Members members(differences_,
                    {.kind = DifferenceKind::totals_differ, .partition = key.first, .currency = key.second});
    members.compare("deposits", expected.deposits, found.deposits);
    members.compare("withdrawals", expected.withdrawals, found.withdrawals);
    members.compare("captures", expected.captures, found.captures);
    members.compare("deposit_reversals", expected.deposit_reversals, found.deposit_reversals);
    members.compare("withdrawal_reversals", expected.withdrawal_reversals, found.withdrawal_reversals);
  }
}

void check_sums(const domain::Accounts& accounts, const domain::Holds& holds,
                const std::map<domain::Ledger::TotalsKey, Totals>& totals, Differences& differences) {
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> sums;  // by currency: totals, accounts
  std::map<std::pair<std::string, std::string>, std::uint64_t> held;    // by user and currency, what differs from 0
  for (const auto& [key, sum] : totals) sums[key.second].first += bits(sum.net());
  for (const auto& [id, hold] : holds) {
    if (hold.status == domain::Status::authorized) held[{hold.user_id, hold.currency}] += bits(hold.held_minor);
  }
  const auto report_held = [&](const std::string& user_id, const std::string& currency, std::uint64_t expected,
                               std::uint64_t found) {
    if (expected == found) return;
    differences.add({.kind = DifferenceKind::held_without_hold,
                     .user_id = user_id,
                     .currency = currency,
                     .expected = text_of_bits(expected),
                     .found = text_of_bits(found)});
  };
  for (const auto& [key, account] : accounts) {
    sums[key.currency].second += bits(account.posted);
    if (account.held == 0 && held.empty()) continue;
    const auto open = held.extract({key.user_id, key.currency});
    report_held(key.user_id, key.currency, open.empty() ? 0 : open.mapped(), bits(account.held));
  }
  for (const auto& [key, sum] : held) report_held(key.first, key.second, sum, 0);
  for (const auto& [currency, sum] : sums) {
    if (sum.first == sum.second) continue;
    differences.add({.kind = DifferenceKind::not_conserved,
                     .currency = currency,
                     .expected = text_of_bits(sum.first),
                     .found = text_of_bits(sum.second)});
  }
}

}  // namespace tps::audit
