// The ports: what the service needs from the world, as contracts. Synchronous and batch-first, because
// each is driven by one lane thread that takes all that waits and does it in one round trip.
//
// Threads: one object of a port is one session (one connection) and is used by one thread at a time.
// Deadlines: every call returns by its deadline (plus scheduling), whatever the other side does.
// Errors: a call never throws; what a library throws or returns is translated inside the adapter.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "domain/acceptance.hpp"
#include "domain/settlement.hpp"
#include "domain/transaction.hpp"

namespace tps::service {

using Deadline = std::chrono::steady_clock::time_point;

// Why a store call gave nothing. `unavailable`: it certainly changed nothing. `unknown`: it may have.
// `incompatible`: the schema is missing, too old or too new (detail says what to do); asking again will not help.
// `refused`: the store refuses a value that was to be written; nothing was changed, and the same again will not help.
struct StoreFault {
  enum class Kind : std::uint8_t { unavailable, unknown, incompatible, refused };
  Kind kind = Kind::unavailable;
  std::string detail;  // for operators and logs; never shown to clients
};

template <class T>
using StoreResult = std::expected<T, StoreFault>;

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
  std::optional<std::int64_t> after{};    // newest first: ids below it
  std::vector<std::int64_t> positions{};  // oldest first: per partition, ids above it; what is missing is the start
  std::size_t limit = 50;

  // Oldest first: what is read of a partition has ids above this.
  [[nodiscard]] std::int64_t position_of(std::uint32_t partition) const {
    const std::int64_t start = domain::first_id_before(partition);
    return partition < positions.size() ? std::max(start, positions[partition]) : start;
  }
};

// At most this many rows are read for one page, so a page under a rare filter may be short, even empty, and still
// have a cursor.
inline constexpr std::size_t kMaxRowsReadPerPage = 10'000;

struct ListPage {
  std::vector<domain::Transaction> transactions;
  // Newest first: where the next page starts (its `after`); nullopt when there is certainly nothing more.
  std::optional<std::int64_t> next_after;
  // Oldest first, the change feed: always there, one for each partition, the last id looked at, so that a reader can go
  // on later. Every partition gets its share of a page, so none can keep another from being read.
  std::vector<std::int64_t> next_positions;
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
};

// What operators watch.
struct LedgerFigures {
  std::int64_t open_holds = 0;
  // Per currency: what the accounts add up to minus what the totals say, modulo 2^64; 0 unless something is broken.
  std::map<std::string, std::int64_t> imbalance;
};

// What identifies a store; see design of the cache: keys carry id and schema, values a MAC with the secret.
struct StoreIdentity {
  std::string store_id;                    // UUID, made by the first migration
  int schema = 0;                          // newest migration applied
  std::uint32_t partitions = 1;            // fixed by the first migration
  std::vector<std::uint8_t> cache_secret;  // 32 bytes; none for who may not know it
};

class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;

  // Connects if needed and checks that the schema can be used by this binary and that every currency the
  // store has recorded has the same number of decimals here (else `incompatible`).
  virtual StoreResult<StoreIdentity> open(Deadline deadline) = 0;

  // One flight: accepts the undecided submissions (all of one partition), durably, by domain::accept under the
  // partition's lock, and leaves none undecided. `accepted` means committed and fsynced, with the standby's
  // confirmation where one is configured. A lost connection after COMMIT was sent is resolved on a new
  // connection within the deadline; what cannot be resolved is `unknown`. An item that the database
  // refuses is `unprocessable` and harms no other.
  virtual void append(std::span<domain::Submission* const> flight, domain::Timestamp now, Deadline deadline) = 0;

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

  // All accounts of a user, sorted by currency; a currency with only pending transactions is there too, with zeros.
  virtual StoreResult<std::vector<Balance>> balances(std::uint32_t partition, const std::string& user_id,
                                                     Deadline deadline) = 0;

  // As they were at a time: after everything settled by then. Posted, held, available and version only; accounts that
  // nothing had touched are not there.
  virtual StoreResult<std::vector<Balance>> balances_at(std::uint32_t partition, const std::string& user_id,
                                                        domain::Timestamp at, Deadline deadline) = 0;

  virtual StoreResult<Statement> statement(const StatementQuery& query, Deadline deadline) = 0;

  // The transactions of open holds of a partition that expire by `now`, the earliest first.
  virtual StoreResult<std::vector<domain::Transaction>> expired_holds(std::uint32_t partition, domain::Timestamp now,
                                                                      std::size_t max, Deadline deadline) = 0;

  // Of all partitions, from one snapshot.
  virtual StoreResult<LedgerFigures> figures(Deadline deadline) = 0;

  // Created_at of the oldest transaction that is not settled yet, and how many there are (0 = none), per partition
  // asked.
  struct Backlog {
    std::int64_t pending = 0;
    std::optional<domain::Timestamp> oldest;
  };
  virtual StoreResult<Backlog> backlog(std::uint32_t partition, Deadline deadline) = 0;

  // Reachable, writable and of a usable schema right now.
  virtual StoreResult<void> ping(Deadline deadline) = 0;
};

// What an audit reads, in short transactions that hold up nobody. Logs are immutable, so a log may be read piece by
// piece; of what is derived from them, each answer says which settlements it includes.
class Audit {
 public:
  Audit() = default;
  Audit(const Audit&) = delete;
  Audit& operator=(const Audit&) = delete;
  virtual ~Audit() = default;

  virtual StoreResult<StoreIdentity> open(Deadline deadline) = 0;

  // How far settlement is: per partition, the id of the last settled transaction (first_id_before() at the start).
  virtual StoreResult<std::vector<std::int64_t>> positions(Deadline deadline) = 0;

  // One row of the log and its settlement. `readable` false: something in the row is unknown to this binary; the
  // transaction is then as next() would give it.
  struct Entry {
    domain::Transaction transaction;  // status, failure and settled_at as in `settlement`, not those of a hold
    std::optional<domain::Settlement> settlement;
    bool readable = true;
  };
  // Up to `max` entries of a partition with ids above `after`, in order.
  virtual StoreResult<std::vector<Entry>> entries(std::uint32_t partition, std::int64_t after, std::size_t max,
                                                  Deadline deadline) = 0;

  // Settlements without a transaction in the log.
  virtual StoreResult<std::int64_t> orphans(std::uint32_t partition, Deadline deadline) = 0;

  // A piece of a derived table in the order of its key, and the positions that it includes, from one snapshot.
  template <class Row>
  struct Piece {
    std::vector<std::int64_t> positions;  // as from positions()
    std::vector<Row> rows;
  };
  using AccountRow = std::pair<domain::AccountKey, domain::Account>;
  using ReversalRow = std::pair<std::int64_t, std::int64_t>;
  using TotalsRow = std::pair<std::pair<std::uint32_t, std::string>, domain::Totals>;
  virtual StoreResult<Piece<AccountRow>> accounts(const std::optional<domain::AccountKey>& after, std::size_t max,
                                                  Deadline deadline) = 0;
  virtual StoreResult<Piece<domain::Hold>> holds(std::int64_t after, std::size_t max, Deadline deadline) = 0;
  virtual StoreResult<Piece<ReversalRow>> reversals(std::int64_t after, std::size_t max, Deadline deadline) = 0;
  virtual StoreResult<Piece<TotalsRow>> totals(Deadline deadline) = 0;

  virtual StoreResult<std::vector<std::optional<domain::Transaction>>> find(std::span<const std::int64_t> ids,
                                                                            Deadline deadline) = 0;
};

// A shared cache of final transactions. It can be slow, down, full, wrong or hostile: everything that is not
// exactly what put() stored, for this store and schema, with a valid MAC, is a miss. Never an error.
class Cache {
 public:
  Cache() = default;
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;
  virtual ~Cache() = default;

  // One answer per id, in order; nullopt on a miss.
  virtual std::vector<std::optional<domain::Transaction>> get(std::span<const std::int64_t> ids, Deadline deadline) = 0;

  // Stores final transactions (others are a bug) for an hour; best effort.
  virtual void put(std::span<const domain::Transaction* const> transactions, Deadline deadline) = 0;

  // False while the circuit breaker is open: callers need not queue for it. Any thread may ask.
  [[nodiscard]] virtual bool available() const = 0;
};

}  // namespace tps::service
