#include "adapters/sqlite/read.hpp"

#include <limits>
#include <map>

#include "adapters/sqlite/log.hpp"
#include "adapters/sqlite/row.hpp"
#include "domain/money.hpp"
#include "ports/store.hpp"

namespace tps::sqlite {
namespace {

using domain::Transaction;
using ports::Balance;
using ports::StoreFault;
using ports::StoreResult;

const std::string kFindById = select_transactions("WHERE t.id = ?1");
constexpr std::string_view kCreatedAt = "SELECT created_at FROM transaction_log WHERE id = ?1";

__extension__ using Wide = __int128;

std::int64_t clamped(Wide value) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  if (value > kMax) return kMax;
  if (value < kMin) return kMin;
  return static_cast<std::int64_t>(value);
}

constexpr std::string_view kAccountsOfUser =
    "SELECT currency, posted, held, version, overdraft_limit, frozen FROM accounts"
    " WHERE partition = ?1 AND user_id = ?2";

int read_accounts(Connection& reader, std::uint32_t partition, const std::string& user_id,
                  std::map<std::string, Balance>& balances) {
  Use use(reader.statement(kAccountsOfUser));
  use->bind(1, std::int64_t{partition});
  use->bind(2, user_id);
  int code = SQLITE_OK;
  while ((code = use->step()) == SQLITE_ROW) {
    Balance& balance = balances[std::string(use->text(0))];
    balance.posted = use->integer(1);
    balance.held = use->integer(2);
    balance.version = use->integer(3);
    balance.overdraft_limit = use->integer(4);
    balance.frozen = use->integer(5) != 0;
  }
  return code;
}

// As domain::posted_change. Sums of high and low halves, because sum() itself fails on overflow.
constexpr std::string_view kPendingOfPayer =
    "SELECT currency, sum(sign * (amount_minor >> 32)), sum(sign * (amount_minor & 0xFFFFFFFF)) FROM ("
    "SELECT t.currency, t.amount_minor,"
    " CASE WHEN t.capture = 'manual' THEN 0 WHEN t.type = 'deposit' THEN 1"
    " WHEN t.type IN ('withdrawal', 'transfer', 'capture') THEN -1"
    " WHEN t.type = 'reversal' THEN iif(p.type = 'deposit', -1, 1) ELSE 0 END AS sign"
    " FROM transaction_log t LEFT JOIN transaction_log p ON p.id = iif(t.type = 'reversal', t.parent_id, NULL)"
    " WHERE t.user_id = ?1 AND t.id > ?2 AND t.id < ?3) GROUP BY currency";
constexpr std::string_view kPendingOfReceiver =
    "SELECT currency, sum(iif(type = 'reversal', -1, 1) * (amount_minor >> 32)),"
    " sum(iif(type = 'reversal', -1, 1) * (amount_minor & 0xFFFFFFFF)) FROM transaction_log"
    " WHERE to_user_id = ?1 AND id > ?2 AND id < ?3 AND type IN ('transfer', 'capture', 'reversal')"
    " AND capture = 'automatic' GROUP BY currency";

int add_pending(Connection& reader, std::string_view sql, const std::string& user_id, std::uint32_t partition,
                std::int64_t position, std::map<std::string, Wide>& pending) {
  Use use(reader.statement(sql));
  use->bind(1, user_id);
  use->bind(2, position);
  use->bind(3, domain::id_before_first(partition + 1));
  int code = SQLITE_OK;
  while ((code = use->step()) == SQLITE_ROW) {
    pending[std::string(use->text(0))] += Wide{use->integer(1)} * (Wide{1} << 32) + Wide{use->integer(2)};
  }
  return code;
}

}  // namespace

StoreResult<std::optional<Transaction>> transaction_of(Connection& connection, std::int64_t id) {
  Use use(connection.statement(kFindById));
  use->bind(1, id);
  const int code = use->step();
  if (code == SQLITE_DONE) return std::nullopt;
  if (code != SQLITE_ROW) return std::unexpected(connection.fault(code));
  auto transaction = read_transaction(*use);
  if (!transaction) return std::unexpected(unreadable_row(*use));
  return transaction;
}

StoreResult<domain::Timestamp> created_at_of(Connection& connection, std::int64_t id) {
  Use use(connection.statement(kCreatedAt));
  use->bind(1, id);
  const int code = use->step();
  if (code != SQLITE_ROW) return std::unexpected(connection.fault(code));
  return use->time(0);
}

StoreResult<std::vector<std::optional<Transaction>>> find(Connection& reader, std::span<const std::int64_t> ids) {
  const DatabaseTransaction snapshot(reader, DatabaseTransaction::Kind::read);
  if (snapshot.begin_code() != SQLITE_OK) return std::unexpected(reader.fault(snapshot.begin_code()));
  std::vector<std::optional<Transaction>> found;
  found.reserve(ids.size());
  for (const std::int64_t id : ids) {
    auto transaction = transaction_of(reader, id);
    if (!transaction) return std::unexpected(transaction.error());
    found.push_back(std::move(*transaction));
  }
  return found;
}

StoreResult<std::vector<Balance>> balances(Connection& reader, std::uint32_t partitions, std::uint32_t partition,
                                           const std::string& user_id) {
  const DatabaseTransaction snapshot(reader, DatabaseTransaction::Kind::read);
  if (snapshot.begin_code() != SQLITE_OK) return std::unexpected(reader.fault(snapshot.begin_code()));
  std::map<std::string, Balance> balances;
  std::map<std::string, Wide> pending;
  int code = read_accounts(reader, partition, user_id, balances);
  for (std::uint32_t log = 0; log < partitions && code == SQLITE_DONE; ++log) {
    const auto position = position_of(reader, log);
    if (!position) return std::unexpected(position.error());
    if (log == partition) code = add_pending(reader, kPendingOfPayer, user_id, log, position->id, pending);
    if (code != SQLITE_DONE) break;
    code = add_pending(reader, kPendingOfReceiver, user_id, log, position->id, pending);
  }
  if (code != SQLITE_DONE) return std::unexpected(reader.fault(code));

  for (const auto& [currency, net] : pending) balances[currency].pending = clamped(net);
  std::vector<Balance> result;
  result.reserve(balances.size());
  for (auto& [currency, balance] : balances) {
    balance.currency = currency;
    balance.available = domain::clamped_sub(balance.posted, balance.held);
    result.push_back(std::move(balance));
  }
  return result;
}

// Ids have no gaps and settlement goes in their order, so counting is a subtraction.
StoreResult<ports::Store::Backlog> backlog(Connection& reader, std::uint32_t partition) {
  const DatabaseTransaction snapshot(reader, DatabaseTransaction::Kind::read);
  if (snapshot.begin_code() != SQLITE_OK) return std::unexpected(reader.fault(snapshot.begin_code()));
  const auto position = position_of(reader, partition);
  if (!position) return std::unexpected(position.error());
  const auto end = log_end(reader, partition);
  if (!end) return std::unexpected(reader.fault(end.error()));
  ports::Store::Backlog backlog{.pending = end->id - position->id, .oldest = std::nullopt, .newest = std::nullopt};
  if (end->id > domain::id_before_first(partition)) backlog.newest = end->created_at;
  if (backlog.pending == 0) return backlog;
  const auto oldest = created_at_of(reader, position->id + 1);
  if (!oldest) return std::unexpected(oldest.error());
  backlog.oldest = *oldest;
  return backlog;
}

namespace {

constexpr std::string_view kExpiredHolds =
    "SELECT expires_at, transaction_id FROM holds WHERE partition = ?1 AND status = 'authorized' AND expires_at <= ?2"
    " AND (expires_at, transaction_id) > (?4, ?5) ORDER BY expires_at, transaction_id LIMIT ?3";

}  // namespace

StoreResult<ports::DueHolds> expired_holds(Connection& reader, std::uint32_t partition, domain::Timestamp now,
                                           const ports::HoldPosition& after, std::size_t max) {
  const DatabaseTransaction snapshot(reader, DatabaseTransaction::Kind::read);
  if (snapshot.begin_code() != SQLITE_OK) return std::unexpected(reader.fault(snapshot.begin_code()));
  std::vector<ports::HoldPosition> places;
  {
    Use use(reader.statement(kExpiredHolds));
    use->bind(1, std::int64_t{partition});
    use->bind(2, now);
    use->bind(3, static_cast<std::int64_t>(max));
    use->bind(4, after.expires_at);
    use->bind(5, after.id);
    int code = SQLITE_OK;
    while ((code = use->step()) == SQLITE_ROW) places.push_back({use->time(0), use->integer(1)});
    if (code != SQLITE_DONE) return std::unexpected(reader.fault(code));
  }
  ports::DueHolds due;
  for (const ports::HoldPosition& place : places) {
    Use use(reader.statement(kFindById));
    use->bind(1, place.id);
    const int code = use->step();
    if (code == SQLITE_DONE) continue;
    if (code != SQLITE_ROW) return std::unexpected(reader.fault(code));
    // One that cannot be read must not keep the others.
    if (auto transaction = read_transaction(*use)) due.holds.push_back(std::move(*transaction));
  }
  if (!places.empty() && places.size() >= max) due.next = places.back();
  return due;
}

}  // namespace tps::sqlite
