#include "adapters/sqlite/history.hpp"

#include <algorithm>
#include <optional>
#include <span>

#include "adapters/sqlite/log.hpp"
#include "adapters/sqlite/read.hpp"
#include "domain/money.hpp"

namespace tps::sqlite {
namespace {

using domain::AccountKey;
using domain::Timestamp;
using ports::Balance;
using ports::StatementQuery;
using ports::StoreResult;

// After so many failed ones in a row, halving finds the next entry sooner.
constexpr int kMostFailuresInARow = 100;

// A settlement beside an account: what the account was after it, also when it failed. Those that are unprocessable say
// nothing of it.
struct Neighbour {
  std::int64_t id = 0;
  std::int64_t version = 0;
  std::int64_t posted = 0;
  std::int64_t held = 0;
  bool failed = false;
  Timestamp settled_at{};
};

// Of one partition, the settlements of an account's own transactions or of those that come in, by id. Both versions
// and settled_at only grow from one to the next.
struct ScanPath {
  ScanPath(const std::string& user, const std::string& version, const std::string& posted)
      : ascending(select(user, version, posted, "")), descending(select(user, version, posted, " DESC LIMIT 1")) {}
  static std::string select(const std::string& user, const std::string& version, const std::string& posted,
                            const std::string& order) {
    return "SELECT t.id, s." + version + ", s." + posted +
           ", s.held_after, s.status = 'failed', s.settled_at FROM transaction_log t CROSS JOIN settlement_log s"
           " ON s.transaction_id = t.id WHERE t." +
           user + " = ?1 AND t.id > ?2 AND t.id < ?3 AND t.currency = ?4 AND s." + version +
           " IS NOT NULL AND s.failure_code IS NOT 'unprocessable' ORDER BY t.id" + order;
  }
  std::string ascending;
  std::string descending;
};
const ScanPath kOwn("user_id", "account_version", "posted_after");
const ScanPath kIncoming("to_user_id", "to_account_version", "to_posted_after");

class Stream {
 public:
  // The ids of the stream are above `low` and below `high`.
  Stream(Connection& reader, const AccountKey& key, bool incoming, std::int64_t low, std::int64_t high)
      : reader_(reader), key_(key), incoming_(incoming), low_(low), high_(high) {}

  [[nodiscard]] bool incoming() const { return incoming_; }

  // Runs `visit` on each with an id above `after`, until it says false.
  template <class Visit>
  [[nodiscard]] StoreResult<void> each(std::int64_t after, Visit visit) const {
    Use use(select(path().ascending, after, high_));
    int code = SQLITE_OK;
    while ((code = use->step()) == SQLITE_ROW) {
      if (!visit(neighbour(*use))) return {};
    }
    if (code != SQLITE_DONE) return std::unexpected(reader_.fault(code));
    return {};
  }

  [[nodiscard]] StoreResult<std::optional<Neighbour>> last() const {
    Use use(select(path().descending, low_, high_));
    const int code = use->step();
    if (code == SQLITE_DONE) return std::nullopt;
    if (code != SQLITE_ROW) return std::unexpected(reader_.fault(code));
    return neighbour(*use);
  }

  // An id up to which no version is higher than this one, and after which all are.
  [[nodiscard]] StoreResult<std::int64_t> end_of(std::int64_t version) const {
    std::int64_t low = low_;
    std::int64_t high = high_;
    while (high - low > 1) {
      const std::int64_t middle = low + (high - low) / 2;
      std::optional<Neighbour> next;
      const auto read = each(middle - 1, [&](const Neighbour& found) {
        next = found;
        return false;
      });
      if (!read) return std::unexpected(read.error());
      if (next && next->version <= version) {
        low = next->id;
      } else {
        high = middle;
      }
    }
    return low;
  }

 private:
  [[nodiscard]] const ScanPath& path() const { return incoming_ ? kIncoming : kOwn; }
  [[nodiscard]] Statement& select(const std::string& sql, std::int64_t low, std::int64_t high) const {
    Statement& statement = reader_.statement(sql);
    statement.bind(1, key_.user_id);
    statement.bind(2, low);
    statement.bind(3, high);
    statement.bind(4, key_.currency);
    return statement;
  }
  static Neighbour neighbour(const Statement& row) {
    return {.id = row.integer(0),
            .version = row.integer(1),
            .posted = row.integer(2),
            .held = row.integer(3),
            .failed = row.integer(4) != 0,
            .settled_at = row.time(5)};
  }

  Connection& reader_;
  const AccountKey& key_;
  const bool incoming_;
  const std::int64_t low_;
  const std::int64_t high_;
};

constexpr std::string_view kSettledFrom =
    "SELECT transaction_id, settled_at FROM settlement_log WHERE transaction_id >= ?1 AND transaction_id < ?2"
    " ORDER BY transaction_id LIMIT 1";

// Transactions of a partition settled before `time` (all settled ones, if that is not given) have ids below this.
StoreResult<std::int64_t> settled_before(Connection& reader, std::uint32_t partition, std::optional<Timestamp> time) {
  const auto position = position_of(reader, partition);
  if (!position) return std::unexpected(position.error());
  std::int64_t low = domain::id_before_first(partition);
  std::int64_t high = position->id + 1;
  while (time && high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    Use use(reader.statement(kSettledFrom));
    use->bind(1, middle);
    use->bind(2, high);
    const int code = use->step();
    if (code != SQLITE_ROW && code != SQLITE_DONE) return std::unexpected(reader.fault(code));
    if (code == SQLITE_ROW && use->time(1) < *time) {
      low = use->integer(0);
    } else {
      high = middle;
    }
  }
  return high;
}

// Per partition.
StoreResult<std::vector<std::int64_t>> all_settled_before(Connection& reader, std::uint32_t partitions,
                                                          std::optional<Timestamp> time) {
  std::vector<std::int64_t> ends;
  for (std::uint32_t partition = 0; partition < partitions; ++partition) {
    const auto end = settled_before(reader, partition, time);
    if (!end) return std::unexpected(end.error());
    ends.push_back(*end);
  }
  return ends;
}

// One of its own and one that comes in from each partition, with what has ids below `ends`.
std::vector<Stream> streams_of(Connection& reader, const AccountKey& key, std::span<const std::int64_t> ends) {
  std::vector<Stream> streams;
  streams.emplace_back(reader, key, false, domain::id_before_first(key.partition), ends[key.partition]);
  for (std::uint32_t partition = 0; partition < ends.size(); ++partition) {
    streams.emplace_back(reader, key, true, domain::id_before_first(partition), ends[partition]);
  }
  return streams;
}

// An account as it was; version 0: nothing had touched it.
struct BalanceAt {
  std::int64_t version = 0;
  std::int64_t posted = 0;
  std::int64_t held = 0;
};

// After everything with ids below `ends`. Only its own transactions change what is held.
StoreResult<BalanceAt> balance_at(Connection& reader, const AccountKey& key, std::span<const std::int64_t> ends) {
  BalanceAt balance;
  for (const Stream& stream : streams_of(reader, key, ends)) {
    const auto last = stream.last();
    if (!last) return std::unexpected(last.error());
    if (!*last) continue;
    if (!stream.incoming()) balance.held = (*last)->held;
    if ((*last)->version <= balance.version) continue;
    balance.version = (*last)->version;
    balance.posted = (*last)->posted;
  }
  return balance;
}

// After everything settled before a time.
StoreResult<BalanceAt> balance_before(Connection& reader, const AccountKey& key, std::uint32_t partitions,
                                      Timestamp time) {
  const auto ends = all_settled_before(reader, partitions, time);
  if (!ends) return std::unexpected(ends.error());
  return balance_at(reader, key, *ends);
}

constexpr std::string_view kAccountNow =
    "SELECT version, posted FROM accounts WHERE partition = ?1 AND user_id = ?2 AND currency = ?3";

StoreResult<BalanceAt> balance_now(Connection& reader, const AccountKey& key) {
  Use use(reader.statement(kAccountNow));
  use->bind(1, std::int64_t{key.partition});
  use->bind(2, key.user_id);
  use->bind(3, key.currency);
  const int code = use->step();
  if (code == SQLITE_DONE) return BalanceAt{};
  if (code != SQLITE_ROW) return std::unexpected(reader.fault(code));
  return BalanceAt{.version = use->integer(0), .posted = use->integer(1)};
}

struct Entry {
  Neighbour at;
  bool incoming = false;
};

// The entries of a stream with versions above `after` and up to `last`.
StoreResult<void> collect(const Stream& stream, std::int64_t after, std::int64_t last, std::vector<Entry>& entries) {
  std::optional<std::int64_t> passed = after;  // nothing up to this version is looked for
  while (passed) {
    const auto start = stream.end_of(*passed);
    if (!start) return std::unexpected(start.error());
    passed.reset();
    int failures = 0;
    const auto read = stream.each(*start, [&](const Neighbour& row) {
      if (row.version > last) return false;
      if (!row.failed) {
        entries.push_back({row, stream.incoming()});
        failures = 0;
      } else if (++failures == kMostFailuresInARow) {
        passed = row.version;
      }
      return !passed;
    });
    if (!read) return std::unexpected(read.error());
  }
  return {};
}

// With versions above `after` and up to `last`, in their order.
StoreResult<std::vector<Entry>> entries_of(Connection& reader, const AccountKey& key, std::uint32_t partitions,
                                           std::int64_t after, std::int64_t last) {
  const auto ends = all_settled_before(reader, partitions, std::nullopt);
  if (!ends) return std::unexpected(ends.error());
  std::vector<Entry> entries;
  for (const Stream& stream : streams_of(reader, key, *ends)) {
    if (auto collected = collect(stream, after, last, entries); !collected) return std::unexpected(collected.error());
  }
  std::ranges::sort(entries, {}, [](const Entry& entry) { return entry.at.version; });
  return entries;
}

// The entry as clients see it.
StoreResult<ports::StatementEntry> shown(Connection& reader, const Entry& entry) {
  auto transaction = transaction_of(reader, entry.at.id);
  if (!transaction) return std::unexpected(transaction.error());
  if (!*transaction) return std::unexpected(reader.fault(SQLITE_CORRUPT));  // an index led to it
  ports::StatementEntry result{.version = entry.at.version,
                               .transaction = std::move(**transaction),
                               .incoming = entry.incoming,
                               .posted_after = entry.at.posted,
                               .settled_at = entry.at.settled_at};
  std::optional<domain::Type> parent_type;
  if (result.transaction.type == domain::Type::reversal && result.transaction.parent_id) {
    const auto parent = transaction_of(reader, *result.transaction.parent_id);
    if (!parent) return std::unexpected(parent.error());
    if (*parent) parent_type = (*parent)->type;
  }
  result.change_minor = domain::posted_change(result.transaction, parent_type, entry.incoming);
  return result;
}

constexpr std::string_view kCurrenciesOfUser =
    "SELECT currency FROM accounts WHERE partition = ?1 AND user_id = ?2 ORDER BY currency";

StoreResult<std::vector<std::string>> currencies_of(Connection& reader, std::uint32_t partition,
                                                    const std::string& user_id) {
  Use use(reader.statement(kCurrenciesOfUser));
  use->bind(1, std::int64_t{partition});
  use->bind(2, user_id);
  std::vector<std::string> currencies;
  int code = SQLITE_OK;
  while ((code = use->step()) == SQLITE_ROW) currencies.emplace_back(use->text(0));
  if (code != SQLITE_DONE) return std::unexpected(reader.fault(code));
  return currencies;
}

}  // namespace

StoreResult<std::vector<Balance>> balances_at(Connection& reader, std::uint32_t partitions, std::uint32_t partition,
                                              const std::string& user_id, Timestamp at) {
  const DatabaseTransaction snapshot(reader, DatabaseTransaction::Kind::read);
  if (snapshot.begin_code() != SQLITE_OK) return std::unexpected(reader.fault(snapshot.begin_code()));
  const auto currencies = currencies_of(reader, partition, user_id);
  if (!currencies) return std::unexpected(currencies.error());
  const auto ends = all_settled_before(reader, partitions, at + Timestamp::duration(1));
  if (!ends) return std::unexpected(ends.error());
  std::vector<Balance> balances;
  for (const std::string& currency : *currencies) {
    const auto balance = balance_at(reader, {partition, user_id, currency}, *ends);
    if (!balance) return std::unexpected(balance.error());
    if (balance->version == 0) continue;
    balances.push_back({.currency = currency,
                        .posted = balance->posted,
                        .held = balance->held,
                        .available = domain::clamped_sub(balance->posted, balance->held),
                        .version = balance->version});
  }
  return balances;
}

StoreResult<ports::Statement> statement(Connection& reader, std::uint32_t partitions, const StatementQuery& query) {
  const DatabaseTransaction snapshot(reader, DatabaseTransaction::Kind::read);
  if (snapshot.begin_code() != SQLITE_OK) return std::unexpected(reader.fault(snapshot.begin_code()));
  const AccountKey key{query.partition, query.user_id, query.currency};
  const auto now = balance_now(reader, key);
  if (!now) return std::unexpected(now.error());
  if (now->version == 0) return ports::Statement{};
  const auto opening =
      query.from ? balance_before(reader, key, partitions, *query.from) : StoreResult<BalanceAt>(BalanceAt{});
  if (!opening) return std::unexpected(opening.error());
  auto closing = query.to ? balance_before(reader, key, partitions, *query.to) : now;
  if (!closing) return std::unexpected(closing.error());
  if (closing->version < opening->version) closing = opening;  // `to` before `from`

  ports::Statement statement;
  statement.opening_minor = opening->posted;
  statement.closing_minor = closing->posted;
  const std::int64_t after = std::max(opening->version, query.after.value_or(0));
  if (after >= closing->version) return statement;
  // Versions have no gaps.
  const std::int64_t last = std::min(closing->version, after + static_cast<std::int64_t>(query.limit));
  const auto entries = entries_of(reader, key, partitions, after, last);
  if (!entries) return std::unexpected(entries.error());
  for (const Entry& entry : *entries) {
    auto next = shown(reader, entry);
    if (!next) return std::unexpected(next.error());
    statement.entries.push_back(std::move(*next));
  }
  if (last < closing->version) statement.next_after = last;
  return statement;
}

}  // namespace tps::sqlite
