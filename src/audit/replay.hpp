// A replay of the logs of all partitions over one ledger, compared with the settlements that were recorded (G11). Pure:
// entries are given to it, differences come out.
//
// With one partition, log order is settlement order. With several, an account is touched from several logs, and nothing
// says in which order they were settled but the settlements themselves: each carries the version of its accounts. So an
// entry waits until the accounts have the versions that they had before it. A failed transaction changed no version, so
// a later change may come before it in the replay. It is decided over the accounts as they were at its version; the
// replay keeps the latest states for that. To need few of them, logs are merged by settled_at.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_set>
#include <vector>

#include "audit/differences.hpp"
#include "domain/ledger.hpp"
#include "domain/settlement.hpp"
#include "ports/audit.hpp"

namespace tps::audit {

class Replay {
 public:
  static constexpr std::size_t kPastAccounts = 100'000;

  // `past_accounts`: how many past states of accounts are kept (of several partitions only).
  Replay(std::uint32_t partitions, Differences& differences, std::size_t past_accounts = kPastAccounts);

  // The next entries of a partition that has none left, in log order; those without a settlement are passed over.
  // `parents`: those of its reversals, as they stand.
  void give(std::uint32_t partition, std::vector<ports::Audit::Entry> entries, domain::Parents parents);

  // Settles what was given. The answer is a partition that has nothing left and is not `ended`: give it its next
  // entries, or say that it has ended. nullopt: all is settled. An entry whose turn never comes is settled all
  // the same (and differs).
  std::optional<std::uint32_t> advance(const std::vector<bool>& ended);

  [[nodiscard]] const domain::Ledger& ledger() const { return ledger_; }
  // See domain::Ledger; to be called now and then, or the list grows with the log.
  void take_changes(domain::SettlementOutput& changes) { ledger_.take_changes(changes); }

  [[nodiscard]] std::int64_t settled() const { return settled_; }

 private:
  struct Log {
    std::vector<ports::Audit::Entry> entries;
    std::size_t next = 0;
    domain::Parents parents;
    bool waits = false;  // its next entry is not ready

    [[nodiscard]] bool empty() const { return next == entries.size(); }
    [[nodiscard]] const ports::Audit::Entry& head() const { return entries[next]; }
  };
  // The logs whose next entries are the earliest, and the earliest of those that wait.
  struct Heads {
    Log* first = nullptr;
    Log* second = nullptr;
    Log* waiting = nullptr;
  };
  // `past`: the accounts are beyond what it saw.
  enum class Turn : std::uint8_t { now, later, past };
  struct PastAccount {
    const domain::AccountKey* key = nullptr;  // in the ledger, where accounts stay
    domain::Account account;
  };

  Heads heads();
  void settle_run(Log& log, domain::Timestamp until);
  void settle_head(Log& log, Turn turn);
  void wake_others(const Log& log);
  [[nodiscard]] Turn turn_of(const ports::Audit::Entry& entry) const;
  [[nodiscard]] Turn turn_at(const domain::AccountKey& key, std::int64_t version_before) const;
  [[nodiscard]] const domain::Account* find(const domain::AccountKey& key) const;
  [[nodiscard]] std::optional<domain::Account> account_at(const domain::AccountKey& key, std::int64_t version) const;
  void keep_past(const domain::AccountKey& key);
  static domain::Settlement decide(domain::Ledger& ledger, const ports::Audit::Entry& entry,
                                   const domain::Parents& parents);
  std::optional<domain::Settlement> decide_in_the_past(const ports::Audit::Entry& entry,
                                                       const domain::Parents& parents) const;
  void compare(const domain::Settlement& expected, const ports::Audit::Entry& entry);

  Differences& differences_;
  const std::size_t past_accounts_;
  domain::Ledger ledger_;
  std::vector<Log> logs_;
  std::deque<PastAccount> past_;  // the latest last
  // Accounts whose versions are wrong for good: waiting for the right one would be in vain.
  std::unordered_set<domain::AccountKey, domain::HashOfAccountKey> strayed_;
  std::int64_t settled_ = 0;
};

}  // namespace tps::audit
