#include "adapters/sqlite_read.hpp"

#include <limits>
#include <map>

#include "adapters/sqlite_append.hpp"
#include "adapters/sqlite_row.hpp"
#include "adapters/sqlite_settle.hpp"

namespace tps::adapters {
namespace {

using domain::Transaction;
using service::Balance;
using service::StoreFault;
using service::StoreResult;

const std::string kFindById = select_transactions("WHERE t.id = ?1");

__extension__ using Wide = __int128;

std::int64_t clamped(Wide value) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  if (value > kMax) return kMax;
  if (value < kMin) return kMin;
  return static_cast<std::int64_t>(value);
}

constexpr std::string_view kAccountsOfUser =
    "SELECT currency, posted, held, version FROM accounts WHERE partition = ?1 AND user_id = ?2";

int read_accounts(SqliteConnection& reader, std::uint32_t partition, const std::string& user_id,
                  std::map<std::string, Balance>& balances) {
  SqliteUse use(reader.statement(kAccountsOfUser));
  use->bind(1, std::int64_t{partition});
  use->bind(2, user_id);
  int code = SQLITE_OK;
  while ((code = use->step()) == SQLITE_ROW) {
    Balance& balance = balances[std::string(use->text(0))];
    balance.posted = use->integer(1);
    balance.held = use->integer(2);
    balance.version = use->integer(3);
  }
  return code;
}

// Sums of high and low halves, because sum() itself fails on overflow.
constexpr std::string_view kPendingOfPayer =
    "SELECT currency, sum(iif(type = 'deposit', 1, -1) * (amount_minor >> 32)),"
    " sum(iif(type = 'deposit', 1, -1) * (amount_minor & 0xFFFFFFFF)) FROM transaction_log"
    " WHERE user_id = ?1 AND id > ?2 AND id < ?3 AND type IN ('deposit', 'withdrawal', 'transfer')"
    " AND capture = 'automatic' GROUP BY currency";
constexpr std::string_view kPendingOfReceiver =
    "SELECT currency, sum(amount_minor >> 32), sum(amount_minor & 0xFFFFFFFF) FROM transaction_log"
    " WHERE to_user_id = ?1 AND id > ?2 AND id < ?3 AND type = 'transfer' AND capture = 'automatic' GROUP BY currency";

int add_pending(SqliteConnection& reader, std::string_view sql, const std::string& user_id, std::uint32_t partition,
                std::int64_t position, std::map<std::string, Wide>& pending) {
  SqliteUse use(reader.statement(sql));
  use->bind(1, user_id);
  use->bind(2, position);
  use->bind(3, domain::first_id_before(partition + 1));
  int code = SQLITE_OK;
  while ((code = use->step()) == SQLITE_ROW) {
    pending[std::string(use->text(0))] += Wide{use->integer(1)} * (Wide{1} << 32) + Wide{use->integer(2)};
  }
  return code;
}

}  // namespace

StoreResult<std::vector<std::optional<Transaction>>> sqlite_find(SqliteConnection& reader,
                                                                 std::span<const std::int64_t> ids) {
  const SqliteTransaction snapshot(reader, SqliteTransaction::Kind::read);
  if (snapshot.begin_code() != SQLITE_OK) return std::unexpected(reader.fault(snapshot.begin_code()));
  std::vector<std::optional<Transaction>> found;
  found.reserve(ids.size());
  SqliteStatement& by_id = reader.statement(kFindById);
  for (const std::int64_t id : ids) {
    SqliteUse use(by_id);
    use->bind(1, id);
    const int code = use->step();
    if (code != SQLITE_ROW && code != SQLITE_DONE) return std::unexpected(reader.fault(code));
    found.push_back(code == SQLITE_ROW ? read_transaction(*use) : std::nullopt);
    if (code == SQLITE_ROW && !found.back()) return std::unexpected(unreadable_row(*use));
  }
  return found;
}

StoreResult<std::vector<Balance>> sqlite_balances(SqliteConnection& reader, std::uint32_t partitions,
                                                  std::uint32_t partition, const std::string& user_id) {
  const SqliteTransaction snapshot(reader, SqliteTransaction::Kind::read);
  if (snapshot.begin_code() != SQLITE_OK) return std::unexpected(reader.fault(snapshot.begin_code()));
  std::map<std::string, Balance> balances;
  std::map<std::string, Wide> pending;
  int code = read_accounts(reader, partition, user_id, balances);
  for (std::uint32_t log = 0; log < partitions && code == SQLITE_DONE; ++log) {
    const auto position = sqlite_position(reader, log);
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
    balance.available = clamped(Wide{balance.posted} - balance.held);
    result.push_back(std::move(balance));
  }
  return result;
}

// Ids have no gaps and settlement goes in their order, so counting is a subtraction.
StoreResult<service::Store::Backlog> sqlite_backlog(SqliteConnection& reader, std::uint32_t partition) {
  const SqliteTransaction snapshot(reader, SqliteTransaction::Kind::read);
  if (snapshot.begin_code() != SQLITE_OK) return std::unexpected(reader.fault(snapshot.begin_code()));
  const auto position = sqlite_position(reader, partition);
  if (!position) return std::unexpected(position.error());
  const auto end = sqlite_log_end(reader, partition);
  if (!end) return std::unexpected(StoreFault{StoreFault::Kind::unavailable, "the log could not be read"});
  service::Store::Backlog backlog{.pending = end->id - position->id, .oldest = std::nullopt};
  if (backlog.pending == 0) return backlog;
  SqliteUse use(reader.statement(kFindById));
  use->bind(1, position->id + 1);
  const int code = use->step();
  if (code != SQLITE_ROW) return std::unexpected(reader.fault(code));
  backlog.oldest = use->time(1);
  return backlog;
}

}  // namespace tps::adapters
