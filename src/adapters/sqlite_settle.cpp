#include "adapters/sqlite_settle.hpp"

#include "adapters/sqlite_row.hpp"

namespace tps::adapters {
namespace {

using domain::Account;
using domain::AccountKey;
using domain::SettlementInput;
using service::StoreResult;

constexpr std::string_view kPosition =
    "SELECT transaction_id, settled_at FROM settlement_log WHERE transaction_id > ?1 AND transaction_id < ?2"
    " ORDER BY transaction_id DESC LIMIT 1";

const std::string kPending = select_transactions("WHERE t.id > ?1 AND t.id < ?2 ORDER BY t.id LIMIT ?3");

StoreResult<void> read_pending(SqliteConnection& writer, std::uint32_t partition, std::int64_t position,
                               std::size_t max, SettlementInput& input) {
  SqliteUse use(writer.statement(kPending));
  use->bind(1, position);
  use->bind(2, domain::first_id_before(partition + 1));
  use->bind(3, static_cast<std::int64_t>(max));
  int code = SQLITE_OK;
  while ((code = use->step()) == SQLITE_ROW) {
    auto transaction = read_transaction(*use);
    if (!transaction) return std::unexpected(unreadable_row(*use));
    input.transactions.push_back(std::move(*transaction));
  }
  if (code != SQLITE_DONE) return std::unexpected(writer.fault(code));
  return {};
}

constexpr std::string_view kAccount =
    "SELECT posted, held, version, overdraft_limit, frozen FROM accounts"
    " WHERE partition = ?1 AND user_id = ?2 AND currency = ?3";

int read_account(SqliteConnection& writer, const AccountKey& key, domain::Accounts& accounts) {
  const auto [place, is_first] = accounts.try_emplace(key);
  if (!is_first) return SQLITE_DONE;
  SqliteUse use(writer.statement(kAccount));
  use->bind(1, std::int64_t{key.partition});
  use->bind(2, key.user_id);
  use->bind(3, key.currency);
  const int code = use->step();
  if (code != SQLITE_ROW) return code;
  Account& account = place->second;
  account.posted = use->integer(0);
  account.held = use->integer(1);
  account.version = use->integer(2);
  account.overdraft_limit = use->integer(3);
  account.frozen = use->integer(4) != 0;
  return SQLITE_DONE;
}

constexpr std::string_view kTotals = "SELECT deposits, withdrawals FROM totals WHERE partition = ?1 AND currency = ?2";

int read_totals(SqliteConnection& writer, std::uint32_t partition, const std::string& currency,
                domain::TotalsByCurrency& totals) {
  const auto [place, is_first] = totals.try_emplace(currency);
  if (!is_first) return SQLITE_DONE;
  SqliteUse use(writer.statement(kTotals));
  use->bind(1, std::int64_t{partition});
  use->bind(2, currency);
  const int code = use->step();
  if (code != SQLITE_ROW) return code;
  place->second = {.deposits = use->integer(0), .withdrawals = use->integer(1)};
  return SQLITE_DONE;
}

// Everything that the transactions of the input touch.
int read_touched(SqliteConnection& writer, std::uint32_t partition, SettlementInput& input) {
  for (const domain::Transaction& transaction : input.transactions) {
    const AccountKey payer{transaction.partition, transaction.user_id, transaction.currency};
    if (const int code = read_account(writer, payer, input.accounts); code != SQLITE_DONE) return code;
    if (transaction.to_user_id) {
      const AccountKey receiver{transaction.to_partition.value_or(transaction.partition), *transaction.to_user_id,
                                transaction.currency};
      if (const int code = read_account(writer, receiver, input.accounts); code != SQLITE_DONE) return code;
    }
    const int code = read_totals(writer, partition, transaction.currency, input.totals);
    if (code != SQLITE_DONE) return code;
  }
  return SQLITE_DONE;
}

constexpr std::string_view kInsertSettlement =
    "INSERT INTO settlement_log (transaction_id, partition, status, failure_code, posted_after, held_after,"
    " account_version, to_posted_after, to_account_version, settled_at, rules_version)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

int insert_settlement(SqliteStatement& statement, const domain::Settlement& settlement) {
  SqliteUse use(statement);
  use->bind(1, settlement.transaction_id);
  use->bind(2, std::int64_t{settlement.partition});
  use->bind(3, domain::slug(settlement.status));
  if (settlement.failure) {
    use->bind(4, domain::slug(*settlement.failure));
  } else {
    use->bind_null(4);
  }
  use->bind(5, settlement.posted_after);
  use->bind(6, settlement.held_after);
  use->bind(7, settlement.account_version);
  use->bind(8, settlement.to_posted_after);
  use->bind(9, settlement.to_account_version);
  use->bind(10, settlement.settled_at);
  use->bind(11, std::int64_t{settlement.rules_version});
  return use->step();
}

constexpr std::string_view kUpsertAccount =
    "INSERT INTO accounts (partition, user_id, currency, posted, held, version, overdraft_limit, frozen)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (partition, user_id, currency) DO UPDATE SET"
    " posted = excluded.posted, held = excluded.held, version = excluded.version,"
    " overdraft_limit = excluded.overdraft_limit, frozen = excluded.frozen";

int upsert_account(SqliteStatement& statement, const AccountKey& key, const Account& account) {
  SqliteUse use(statement);
  use->bind(1, std::int64_t{key.partition});
  use->bind(2, key.user_id);
  use->bind(3, key.currency);
  use->bind(4, account.posted);
  use->bind(5, account.held);
  use->bind(6, account.version);
  use->bind(7, account.overdraft_limit);
  use->bind(8, std::int64_t{account.frozen ? 1 : 0});
  return use->step();
}

constexpr std::string_view kUpsertTotals =
    "INSERT INTO totals (partition, currency, deposits, withdrawals) VALUES (?1, ?2, ?3, ?4)"
    " ON CONFLICT (partition, currency) DO UPDATE SET deposits = excluded.deposits, withdrawals = excluded.withdrawals";

int upsert_totals(SqliteStatement& statement, std::uint32_t partition, const std::string& currency,
                  const domain::Totals& totals) {
  SqliteUse use(statement);
  use->bind(1, std::int64_t{partition});
  use->bind(2, currency);
  use->bind(3, totals.deposits);
  use->bind(4, totals.withdrawals);
  return use->step();
}

}  // namespace

StoreResult<SqlitePosition> sqlite_position(SqliteConnection& connection, std::uint32_t partition) {
  SqliteUse use(connection.statement(kPosition));
  use->bind(1, domain::first_id_before(partition));
  use->bind(2, domain::first_id_before(partition + 1));
  const int code = use->step();
  if (code == SQLITE_DONE) return SqlitePosition{domain::first_id_before(partition), {}};
  if (code != SQLITE_ROW) return std::unexpected(connection.fault(code));
  return SqlitePosition{use->integer(0), use->time(1)};
}

StoreResult<SettlementInput> sqlite_next(SqliteConnection& writer, std::uint32_t partition, std::size_t max) {
  const auto position = sqlite_position(writer, partition);
  if (!position) return std::unexpected(position.error());
  SettlementInput input;
  input.last_settled_at = position->settled_at;
  if (auto read = read_pending(writer, partition, position->id, max, input); !read) {
    return std::unexpected(read.error());
  }
  const int code = read_touched(writer, partition, input);
  if (code != SQLITE_DONE) return std::unexpected(writer.fault(code));
  return input;
}

StoreResult<void> sqlite_record(SqliteConnection& writer, std::uint32_t partition,
                                const domain::SettlementOutput& output) {
  SqliteStatement& settle = writer.statement(kInsertSettlement);
  for (const domain::Settlement& settlement : output.settlements) {
    const int code = insert_settlement(settle, settlement);
    if (code != SQLITE_DONE) return std::unexpected(writer.fault(code));
  }
  SqliteStatement& upsert = writer.statement(kUpsertAccount);
  for (const auto& [key, account] : output.accounts) {
    const int code = upsert_account(upsert, key, account);
    if (code != SQLITE_DONE) return std::unexpected(writer.fault(code));
  }
  for (const auto& [currency, totals] : output.totals) {
    const int code = upsert_totals(writer.statement(kUpsertTotals), partition, currency, totals);
    if (code != SQLITE_DONE) return std::unexpected(writer.fault(code));
  }
  return {};
}

}  // namespace tps::adapters
