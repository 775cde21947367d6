#include "audit/replay.hpp"

#include <algorithm>
#include <ranges>
#include <string>
#include <utility>

namespace tps::audit {
namespace {

using domain::Account;
using domain::AccountKey;
using domain::Settlement;
using domain::Status;
using domain::Timestamp;
using domain::Transaction;

// The account beside the payer's that was touched: a hold, for one, touches none.
std::optional<AccountKey> touched_receiver(const ports::Audit::Entry& entry) {
  return entry.settlement->to_account_version ? receiver_of(entry.transaction) : std::nullopt;
}

// The version that an account had before it, from the one after it.
std::int64_t version_before(const Settlement& settlement, std::int64_t version_after) {
  return settlement.status == Status::failed ? version_after : version_after - 1;
}

std::string replay_text(std::int64_t value) { return std::to_string(value); }
std::string replay_text(std::optional<std::int64_t> value) { return value ? std::to_string(*value) : "none"; }
std::string replay_text(Status value) { return std::string(domain::slug(value)); }
std::string replay_text(std::optional<domain::Failure> value) {
  return value ? std::string(domain::slug(*value)) : std::string("none");
}

}  // namespace

Replay::Replay(std::uint32_t partitions, Differences& differences, std::size_t past_accounts)
    : differences_(differences), past_accounts_(past_accounts), logs_(partitions) {}

void Replay::give(std::uint32_t partition, std::vector<ports::Audit::Entry> entries, domain::Parents parents) {
  Log& log = logs_.at(partition);
  log.entries = std::move(entries);
  std::erase_if(log.entries, [](const ports::Audit::Entry& entry) { return !entry.settlement; });
  log.next = 0;
  log.parents = std::move(parents);
  log.waits = false;
}

std::optional<std::uint32_t> Replay::advance(const std::vector<bool>& ended) {
  while (true) {
    for (std::uint32_t partition = 0; partition < logs_.size(); ++partition) {
      if (logs_[partition].empty() && !ended[partition]) return partition;
    }
    const Heads heads = this->heads();
    if (heads.first != nullptr) {
      settle_run(*heads.first,
                 heads.second != nullptr ? heads.second->head().settlement->settled_at : Timestamp::max());
    } else if (heads.waiting != nullptr) {
      // No entry is next: without this the replay would wait forever.
      settle_head(*heads.waiting, Turn::now);
      heads.waiting->waits = false;
      wake_others(*heads.waiting);
    } else {
      return std::nullopt;
    }
  }
}

Replay::Heads Replay::heads() {
  const auto is_earlier = [](const Log& log, const Log* than) {
    return than == nullptr || log.head().settlement->settled_at < than->head().settlement->settled_at;
  };
  Heads heads;
  for (Log& log : logs_) {
    if (log.empty()) continue;
    if (log.waits) {
      if (is_earlier(log, heads.waiting)) heads.waiting = &log;
    } else if (is_earlier(log, heads.first)) {
      heads.second = std::exchange(heads.first, &log);
    } else if (is_earlier(log, heads.second)) {
      heads.second = &log;
    }
  }
  return heads;
}

// Settles entries of one log for as long as they are ready and none of another log is earlier.
void Replay::settle_run(Log& log, Timestamp until) {
  bool any = false;
  while (!log.empty() && log.head().settlement->settled_at <= until) {
    // Log order is all there is with one partition.
    const Turn turn = logs_.size() == 1 ? Turn::now : turn_of(log.head());
    log.waits = turn == Turn::later;
    if (log.waits) break;
    settle_head(log, turn);
    any = true;
  }
  if (any) wake_others(log);
}

void Replay::wake_others(const Log& log) {
  for (Log& other : logs_) {
    if (&other != &log) other.waits = false;
  }
}

Replay::Turn Replay::turn_of(const ports::Audit::Entry& entry) const {
  const Settlement& settlement = *entry.settlement;
  const Turn payer = turn_at(payer_of(entry.transaction), version_before(settlement, settlement.account_version));
  const auto receiver = touched_receiver(entry);
  if (!receiver || payer == Turn::later) return payer;
  const Turn turn = turn_at(*receiver, version_before(settlement, *settlement.to_account_version));
  return turn == Turn::now ? payer : turn;
}

Replay::Turn Replay::turn_at(const AccountKey& key, std::int64_t version_before) const {
  const Account* account = find(key);
  const std::int64_t version = account != nullptr ? account->version : 0;
  if (version == version_before || strayed_.contains(key)) return Turn::now;
  return version < version_before ? Turn::later : Turn::past;
}

const Account* Replay::find(const AccountKey& key) const {
  const auto found = ledger_.accounts().find(key);
  return found == ledger_.accounts().end() ? nullptr : &found->second;
}

void Replay::settle_head(Log& log, Turn turn) {
  const ports::Audit::Entry& entry = log.entries[log.next++];
  ++settled_;
  const bool failed = entry.settlement->status == Status::failed;
  if (turn == Turn::past && failed) {
    if (const auto expected = decide_in_the_past(entry, log.parents)) {
      compare(*expected, entry);
      return;
    }
  }
  if (logs_.size() > 1 && !failed) {
    keep_past(payer_of(entry.transaction));
    if (const auto receiver = touched_receiver(entry)) keep_past(*receiver);
  }
  compare(decide(ledger_, entry, log.parents), entry);
}

void Replay::keep_past(const AccountKey& key) {
  const auto found = ledger_.accounts().find(key);
  if (found == ledger_.accounts().end()) return;  // version 0 is known to everybody
  past_.push_back({&found->first, found->second});
  if (past_.size() > past_accounts_) past_.pop_front();
}

std::optional<Account> Replay::account_at(const AccountKey& key, std::int64_t version) const {
  if (version == 0) return Account{};
  const Account* now = find(key);
  if (now != nullptr && now->version == version) return *now;
  for (const PastAccount& past : std::views::reverse(past_)) {
    if (past.account.version == version && *past.key == key) return past.account;
  }
  return std::nullopt;
}

// A transaction that the store refused to settle, or that some worker could not, is recorded as unprocessable, and the
// rest of its settlement must fit that.
Settlement Replay::decide(domain::Ledger& ledger, const ports::Audit::Entry& entry, const domain::Parents& parents) {
  const Transaction& transaction = entry.transaction;
  const Settlement& recorded = *entry.settlement;
  if (recorded.failure == domain::Failure::unprocessable) return ledger.refuse(transaction, recorded.settled_at);
  domain::Parent parent;
  if (transaction.type == domain::Type::reversal && transaction.parent_id) {
    const auto found = parents.find(*transaction.parent_id);
    if (found != parents.end()) parent = {&found->second, found->second.status == Status::settled};
  }
  return ledger.settle(transaction, parent, recorded.settled_at);
}

// nullopt: the accounts as they were are not known any more. A partition's holds and reversals are changed by its own
// log only, so they are as they were.
std::optional<Settlement> Replay::decide_in_the_past(const ports::Audit::Entry& entry,
                                                     const domain::Parents& parents) const {
  const Transaction& transaction = entry.transaction;
  domain::Accounts accounts;
  const auto payer = account_at(payer_of(transaction), entry.settlement->account_version);
  if (!payer) return std::nullopt;
  accounts.emplace(payer_of(transaction), *payer);
  if (const auto key = touched_receiver(entry)) {
    const auto receiver = account_at(*key, *entry.settlement->to_account_version);
    if (!receiver) return std::nullopt;
    accounts.emplace(*key, *receiver);
  }
  domain::Holds holds;
  domain::Reversals reversals;
  if (transaction.parent_id) {
    const auto hold = ledger_.holds().find(*transaction.parent_id);
    if (hold != ledger_.holds().end()) holds.insert(*hold);
    const auto reversal = ledger_.reversals().find(*transaction.parent_id);
    if (reversal != ledger_.reversals().end()) reversals.insert(*reversal);
  }
  domain::Ledger then(std::move(accounts), std::move(holds), std::move(reversals));
  return decide(then, entry, parents);
}

void Replay::compare(const Settlement& expected, const ports::Audit::Entry& entry) {
  const Settlement& found = *entry.settlement;
  const auto member = [&](const char* name, const auto& wanted, const auto& recorded) {
    if (wanted == recorded) return;
    differences_.add({.kind = DifferenceKind::settlement_differs,
                      .partition = entry.transaction.partition,
                      .transaction_id = entry.transaction.id,
                      .member = name,
                      .expected = replay_text(wanted),
                      .found = replay_text(recorded)});
  };
  member("status", expected.status, found.status);
  member("failure_code", expected.failure, found.failure);
  member("posted_after", expected.posted_after, found.posted_after);
  member("held_after", expected.held_after, found.held_after);
  member("account_version", expected.account_version, found.account_version);
  member("to_posted_after", expected.to_posted_after, found.to_posted_after);
  member("to_account_version", expected.to_account_version, found.to_account_version);
  if (logs_.size() == 1) return;
  if (expected.account_version != found.account_version) strayed_.insert(payer_of(entry.transaction));
  const auto receiver = receiver_of(entry.transaction);
  if (receiver && expected.to_account_version != found.to_account_version) strayed_.insert(*receiver);
}

}  // namespace tps::audit
