#include "adapters/sqlite/record.hpp"

#include <string_view>

namespace tps::sqlite {
namespace {

using domain::Account;
using domain::AccountKey;

constexpr std::string_view kInsertSettlement =
    "INSERT INTO settlement_log (transaction_id, partition, status, failure_code, posted_after, held_after,"
    " account_version, to_posted_after, to_account_version, settled_at, rules_version)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

int insert_settlement(Statement& statement, const domain::Settlement& settlement) {
  Use use(statement);
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

int upsert_account(Statement& statement, const AccountKey& key, const Account& account) {
  Use use(statement);
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

constexpr std::string_view kUpsertHold =
    "INSERT INTO holds (transaction_id, partition, user_id, currency, held_minor, captured_minor, status, expires_at,"
    " closed_by, closed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
    " ON CONFLICT (transaction_id) DO UPDATE SET captured_minor = excluded.captured_minor, status = excluded.status,"
    " closed_by = excluded.closed_by, closed_at = excluded.closed_at";

int upsert_hold(Statement& statement, const domain::Hold& hold) {
  Use use(statement);
  use->bind(1, hold.transaction_id);
  use->bind(2, std::int64_t{domain::partition_of_id(hold.transaction_id)});
  use->bind(3, hold.user_id);
  use->bind(4, hold.currency);
  use->bind(5, hold.held_minor);
  use->bind(6, hold.captured_minor);
  use->bind(7, domain::slug(hold.status));
  use->bind(8, hold.expires_at);
  use->bind(9, hold.closed_by);
  use->bind(10, hold.closed_at);
  return use->step();
}

constexpr std::string_view kUpsertReversed =
    "INSERT INTO reversals (original_id, partition, reversed_minor) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (original_id) DO UPDATE SET reversed_minor = excluded.reversed_minor";

int upsert_reversed(Statement& statement, std::int64_t original_id, std::int64_t reversed) {
  Use use(statement);
  use->bind(1, original_id);
  use->bind(2, std::int64_t{domain::partition_of_id(original_id)});
  use->bind(3, reversed);
  return use->step();
}

constexpr std::string_view kUpsertTotals =
    "INSERT INTO totals (partition, currency, deposits, withdrawals, captures, deposit_reversals, withdrawal_reversals)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (partition, currency) DO UPDATE SET"
    " deposits = excluded.deposits, withdrawals = excluded.withdrawals, captures = excluded.captures,"
    " deposit_reversals = excluded.deposit_reversals, withdrawal_reversals = excluded.withdrawal_reversals";

int upsert_totals(Statement& statement, std::uint32_t partition, const std::string& currency,
                  const domain::Totals& totals) {
  Use use(statement);
  use->bind(1, std::int64_t{partition});
  use->bind(2, currency);
  use->bind(3, totals.deposits);
  use->bind(4, totals.withdrawals);
  use->bind(5, totals.captures);
  use->bind(6, totals.deposit_reversals);
  use->bind(7, totals.withdrawal_reversals);
  return use->step();
}

// SQLITE_DONE or the error of the first that could not be written.
int write(Connection& writer, std::uint32_t partition, const domain::SettlementOutput& output) {
  Statement& settle = writer.statement(kInsertSettlement);
  for (const domain::Settlement& settlement : output.settlements) {
    if (const int code = insert_settlement(settle, settlement); code != SQLITE_DONE) return code;
  }
  Statement& account_row = writer.statement(kUpsertAccount);
  for (const auto& [key, account] : output.accounts) {
    if (const int code = upsert_account(account_row, key, account); code != SQLITE_DONE) return code;
  }
  for (const domain::Hold& hold : output.holds) {
    if (const int code = upsert_hold(writer.statement(kUpsertHold), hold); code != SQLITE_DONE) return code;
  }
  for (const auto& [original_id, reversed] : output.reversals) {
    const int code = upsert_reversed(writer.statement(kUpsertReversed), original_id, reversed);
    if (code != SQLITE_DONE) return code;
  }
  for (const auto& [currency, totals] : output.totals) {
    const int code = upsert_totals(writer.statement(kUpsertTotals), partition, currency, totals);
    if (code != SQLITE_DONE) return code;
  }
  return SQLITE_DONE;
}

}  // namespace

ports::StoreResult<void> record(Connection& writer, std::uint32_t partition, const domain::SettlementOutput& output) {
  const int code = write(writer, partition, output);
  if (code == SQLITE_DONE) return {};
  ports::StoreFault fault = writer.fault(code);
  if (is_about_the_row(code)) fault.kind = ports::StoreFault::Kind::refused;
  return std::unexpected(std::move(fault));
}

}  // namespace tps::sqlite
