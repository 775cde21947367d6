// The store, as the use cases and the settlement loop see it: the logs, what is derived from them, and what is asked of
// them. See fault.hpp for the rules that every port keeps.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "domain/acceptance.hpp"
#include "domain/settlement.hpp"
#include "domain/transaction.hpp"
#include "ports/fault.hpp"
#include "ports/log_feed.hpp"

namespace tps::ports {

enum class Order : std::uint8_t { newest_first, oldest_first };

// Members that are set must all hold. `user_id` is the payer's (the member user_id of the transaction).
struct ListQuery {
  std::optional<std::string> user_id{};
  std::optional<domain::Status> status{};
  std::optional<domain::Type> type{};
  std::optional<std::string> currency{};  // upper case
  std::optional<std::string> reference{};
  std::optional<std::int64_t> parent_id{};
  std::optional<domain::Timestamp> created_from{};  // inclusive
  std::optional<domain::Timestamp> created_to{};    // exclusive
  Order order = Order::newest_first;
  std::optional<std::int64_t> after{};  // newest first: ids below it
  Positions positions{};                // oldest first: ids above them
  std::uint64_t epoch = 0;              // that the place is of (History::Now); 0: none was said
  std::size_t limit = 50;
};

// At most this many rows are read for one page, so a page under a rare filter may be short, even empty, and still
// have a cursor.
inline constexpr std::size_t kMaxRowsReadPerPage = 10'000;

struct ListPage {
  std::vector<domain::Transaction> transactions;
  // Newest first: where the next page starts (its `after`); nullopt when there is certainly nothing more.
  std::optional<std::int64_t> next_after;
  Positions next_positions;  // oldest first: as in a FeedPage
  bool beyond_log = false;   // oldest first: as in a FeedPage
  std::uint64_t epoch = 0;   // that next_after and next_positions are of; the service says it
};

struct Balance {
  std::string currency;
  std::int64_t posted = 0;
  std::int64_t held = 0;
  std::int64_t available = 0;  // posted - held
  std::int64_t pending = 0;    // net of what is accepted and not settled yet: credits - debits
  std::int64_t version = 0;
  std::int64_t overdraft_limit = 0;
  bool frozen = false;
};

// The entries of an account (partition, user_id, currency) in the order of its versions: every settlement that touched
// it. Those settled from `from` on and before `to` are in it.
struct StatementQuery {
  std::uint32_t partition = 0;
  std::string user_id;
  std::string currency;
  std::optional<domain::Timestamp> from{};  // inclusive, by settled_at
  std::optional<domain::Timestamp> to{};    // exclusive
  std::optional<std::int64_t> after{};      // the version of the last entry seen
  std::uint64_t epoch = 0;                  // that `after` is of (History::Now); 0: none was said
  std::size_t limit = 100;
};

struct StatementEntry {
  std::int64_t version = 0;         // of the account, after it; one more than the entry before
  domain::Transaction transaction;  // as it stands now
  bool incoming = false;            // the account is that of to_user_id
  std::int64_t change_minor = 0;    // of posted; 0 for holds, voids, expiries and account updates
  std::int64_t posted_after = 0;
  domain::Timestamp settled_at{};  // when it took effect
};

struct Statement {
  std::int64_t opening_minor = 0;  // posted before the first and after the last entry of the whole range, whatever page
  std::int64_t closing_minor = 0;
  std::vector<StatementEntry> entries;
  std::optional<std::int64_t> next_after;  // nullopt: this is the last page
  std::uint64_t epoch = 0;                 // that next_after is of; the service says it
};

// A place among the open holds of a partition, in the order of their ends. The default is before all of them.
struct HoldPosition {
  domain::Timestamp expires_at{};
  std::int64_t id = 0;
  auto operator<=>(const HoldPosition&) const = default;
};

// Holds that are due. One whose transaction cannot be read is not among them, but was looked at.
struct DueHolds {
  std::vector<domain::Transaction> holds;  // their transactions
  std::optional<HoldPosition> next;        // the last one looked at, to go on after; nullopt: there are no more
};

// A store's answer to ping().
struct Pong {
  // By the clock that this process's is compared with (domain/clock.hpp); nullopt: it is compared with none.
  std::optional<domain::Timestamp> time{};
  // Of an embedded file: the size of its write-ahead log.
  std::optional<std::int64_t> wal_bytes{};
};

// The identity of a store. Cache keys carry id and schema; cached values carry a MAC with the secret.
struct StoreIdentity {
  std::string store_id;                    // UUID, made by the first migration
  int schema = 0;                          // newest migration applied
  std::uint32_t partitions = 1;            // fixed by the first migration
  std::vector<std::uint8_t> cache_secret;  // 32 bytes; none for who may not know it
  // Which history of the store this is, and which run of the database server; see history.hpp.
  std::string epoch{};
  std::string run{};
};

// The log feed of a store is its list, oldest first and without a filter.
class Store : public LogFeed {
 public:
  // Connects if needed and checks that the schema can be used by this binary and that every currency the
  // store has recorded has the same number of decimals here (else `incompatible`).
  virtual StoreResult<StoreIdentity> open(Deadline deadline) = 0;

  // One flight: accepts the undecided submissions (all of one partition), durably, by domain::accept under the
  // partition's lock, and leaves none undecided. `accepted` means committed and fsynced, with the standby's
  // confirmation where one is configured. A lost connection after COMMIT was sent is resolved on a new
  // connection within the deadline; what cannot be resolved is `unknown`. An item that the database
  // refuses is `unprocessable` and harms no other. The answer is why submissions are `unavailable` or `unknown`;
  // nullopt if none is.
  virtual std::optional<StoreFault> append(std::span<domain::Submission* const> flight, domain::Timestamp now,
                                           Deadline deadline) = 0;

  // Settling, step 1: takes the lock of the settlement reader of `partition`, then reads up to `max` transactions
  // after its position with everything that domain::SettlementInput wants, and keeps the database transaction open.
  // nullopt: another worker has the partition. An empty input: nothing to do. In both cases, and on
  // a fault, nothing stays open.
  virtual StoreResult<std::optional<domain::SettlementInput>> next(std::uint32_t partition, std::size_t max,
                                                                   Deadline deadline) = 0;

  // Step 2: writes the output of domain::settle for exactly what next() gave and commits. On a fault nothing
  // (or, if `unknown`, possibly everything) was written; calling next() again finds out. `refused`: a value in it.
  virtual StoreResult<void> record(std::uint32_t partition, const domain::SettlementOutput& output,
                                   Deadline deadline) = 0;

  // One answer per id, in order; nullopt where there is none. Duplicated ids are fine.
  virtual StoreResult<std::vector<std::optional<domain::Transaction>>> find(std::span<const std::int64_t> ids,
                                                                            Deadline deadline) = 0;

  virtual StoreResult<ListPage> list(const ListQuery& query, Deadline deadline) = 0;
  StoreResult<FeedPage> read(const Positions& positions, std::size_t limit, Deadline deadline) final;

  // All accounts of a user, sorted by currency; a currency with only pending transactions is there too, with zeros.
  virtual StoreResult<std::vector<Balance>> balances(std::uint32_t partition, const std::string& user_id,
                                                     Deadline deadline) = 0;

  // As they were at a time: after everything settled by then. Posted, held, available and version only; accounts that
  // nothing had touched are not there.
  virtual StoreResult<std::vector<Balance>> balances_at(std::uint32_t partition, const std::string& user_id,
                                                        domain::Timestamp at, Deadline deadline) = 0;

  virtual StoreResult<Statement> statement(const StatementQuery& query, Deadline deadline) = 0;

  // The open holds of a partition that expire by `now`, the earliest first, after `after`. Looks at `max` at most.
  virtual StoreResult<DueHolds> expired_holds(std::uint32_t partition, domain::Timestamp now, const HoldPosition& after,
                                              std::size_t max, Deadline deadline) = 0;

  // Created_at of the oldest transaction that is not settled yet, and how many there are (0 = none), of a partition.
  struct Backlog {
    std::int64_t pending = 0;
    std::optional<domain::Timestamp> oldest;
    std::optional<domain::Timestamp> newest;  // created_at of the last transaction, settled or not
  };
  virtual StoreResult<Backlog> backlog(std::uint32_t partition, Deadline deadline) = 0;

  // Reachable, writable and of a usable schema right now.
  virtual StoreResult<Pong> ping(Deadline deadline) = 0;
};

}  // namespace tps::ports
