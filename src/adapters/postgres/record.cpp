#include "adapters/postgres/record.hpp"

#include "adapters/postgres/row.hpp"

namespace tps::postgres {
namespace {

using ports::Deadline;
using ports::StoreFault;
using ports::StoreResult;

constexpr Statement kInsertSettlements{
    "insert_settlements",
    "INSERT INTO settlement_log (partition, transaction_id, status, posted_after, held_after, account_version,"
    " settled_at, rules_version, failure_code, to_posted_after, to_account_version)"
    R"( SELECT $1::smallint, unnest($2::bigint[]), unnest($3::"char"[]), unnest($4::bigint[]), unnest($5::bigint[]),)"
    " unnest($6::bigint[]), unnest($7::timestamptz[]), unnest($8::smallint[]), unnest($9::text[]),"
    " unnest($10::bigint[]), unnest($11::bigint[])"};

void queue_settlements(Connection& connection, std::int16_t partition,
                       const std::vector<domain::Settlement>& settlements) {
  Array id(Type::int8);
  Array status(Type::one_char);
  Array posted(Type::int8);
  Array held(Type::int8);
  Array version(Type::int8);
  Array settled_at(Type::timestamptz);
  Array rules(Type::int2);
  Array failure(Type::text);
  Array to_posted(Type::int8);
  Array to_version(Type::int8);
  for (const domain::Settlement& settlement : settlements) {
    id.add(settlement.transaction_id);
    status.add(letter(settlement.status));
    posted.add(settlement.posted_after);
    held.add(settlement.held_after);
    version.add(settlement.account_version);
    settled_at.add(settlement.settled_at);
    rules.add(static_cast<std::int16_t>(settlement.rules_version));
    if (settlement.failure) {
      failure.add(domain::slug(*settlement.failure));
    } else {
      failure.add_null();
    }
    to_posted.add(settlement.to_posted_after);
    to_version.add(settlement.to_account_version);
  }
  Parameters parameters;
  parameters.add(partition).add(id).add(status).add(posted).add(held).add(version).add(settled_at).add(rules);
  parameters.add_unless_null(failure).add_unless_null(to_posted).add_unless_null(to_version);
  connection.queue(kInsertSettlements, parameters);
}

constexpr Statement kUpsertAccounts{
    "upsert_accounts",
    "INSERT INTO accounts (partition, user_id, currency, posted, held, version, overdraft_limit, frozen)"
    " SELECT unnest($1::smallint[]), unnest($2::text[]), unnest($3::text[]), unnest($4::bigint[]),"
    " unnest($5::bigint[]), unnest($6::bigint[]), unnest($7::bigint[]), unnest($8::boolean[])"
    " ON CONFLICT (partition, user_id, currency) DO UPDATE SET posted = excluded.posted, held = excluded.held,"
    " version = excluded.version, overdraft_limit = excluded.overdraft_limit, frozen = excluded.frozen"};

void queue_account_writes(Connection& connection, const domain::SettlementOutput& output) {
  if (output.accounts.empty()) return;
  Array partition(Type::int2);
  Array user_id(Type::text);
  Array currency(Type::text);
  Array posted(Type::int8);
  Array held(Type::int8);
  Array version(Type::int8);
  Array overdraft_limit(Type::int8);
  Array frozen(Type::boolean);
  for (const auto& [key, account] : output.accounts) {
    partition.add(static_cast<std::int16_t>(key.partition));
    user_id.add(std::string_view(key.user_id));
    currency.add(std::string_view(key.currency));
    posted.add(account.posted);
    held.add(account.held);
    version.add(account.version);
    overdraft_limit.add(account.overdraft_limit);
    frozen.add(account.frozen);
  }
  Parameters parameters;
  parameters.add(partition).add(user_id).add(currency).add(posted).add(held).add(version).add(overdraft_limit);
  connection.queue(kUpsertAccounts, parameters.add(frozen));
}

constexpr Statement kUpsertHolds{
    "upsert_holds",
    "INSERT INTO holds (partition, transaction_id, user_id, currency, held_minor, captured_minor, status, expires_at,"
    " closed_by, closed_at)"
    " SELECT $1::smallint, unnest($2::bigint[]), unnest($3::text[]), unnest($4::text[]), unnest($5::bigint[]),"
    R"( unnest($6::bigint[]), unnest($7::"char"[]), unnest($8::timestamptz[]), unnest($9::bigint[]),)"
    " unnest($10::timestamptz[])"
    " ON CONFLICT (partition, transaction_id) DO UPDATE SET captured_minor = excluded.captured_minor,"
    " status = excluded.status, closed_by = excluded.closed_by, closed_at = excluded.closed_at"};

void queue_holds(Connection& connection, std::int16_t partition, const domain::SettlementOutput& output) {
  if (output.holds.empty()) return;
  Array id(Type::int8);
  Array user_id(Type::text);
  Array currency(Type::text);
  Array held(Type::int8);
  Array captured(Type::int8);
  Array status(Type::one_char);
  Array expires_at(Type::timestamptz);
  Array closed_by(Type::int8);
  Array closed_at(Type::timestamptz);
  for (const domain::Hold& hold : output.holds) {
    id.add(hold.transaction_id);
    user_id.add(std::string_view(hold.user_id));
    currency.add(std::string_view(hold.currency));
    held.add(hold.held_minor);
    captured.add(hold.captured_minor);
    status.add(letter(hold.status));
    expires_at.add(hold.expires_at);
    closed_by.add(hold.closed_by);
    closed_at.add(hold.closed_at);
  }
  Parameters parameters;
  parameters.add(partition).add(id).add(user_id).add(currency).add(held).add(captured).add(status).add(expires_at);
  connection.queue(kUpsertHolds, parameters.add_unless_null(closed_by).add_unless_null(closed_at));
}

constexpr Statement kUpsertReversals{
    "upsert_reversals",
    "INSERT INTO reversals (partition, original_id, reversed_minor)"
    " SELECT $1::smallint, unnest($2::bigint[]), unnest($3::bigint[])"
    " ON CONFLICT (partition, original_id) DO UPDATE SET reversed_minor = excluded.reversed_minor"};

void queue_reversals(Connection& connection, std::int16_t partition, const domain::SettlementOutput& output) {
  if (output.reversals.empty()) return;
  Array id(Type::int8);
  Array reversed(Type::int8);
  for (const auto& [original_id, reversed_minor] : output.reversals) {
    id.add(original_id);
    reversed.add(reversed_minor);
  }
  Parameters parameters;
  connection.queue(kUpsertReversals, parameters.add(partition).add(id).add(reversed));
}

constexpr Statement kUpsertTotals{
    "upsert_totals",
    "INSERT INTO totals (partition, currency, deposits, withdrawals, captures, deposit_reversals, withdrawal_reversals)"
    " SELECT $1::smallint, unnest($2::text[]), unnest($3::bigint[]), unnest($4::bigint[]), unnest($5::bigint[]),"
    " unnest($6::bigint[]), unnest($7::bigint[])"
    " ON CONFLICT (partition, currency) DO UPDATE SET deposits = excluded.deposits,"
    " withdrawals = excluded.withdrawals, captures = excluded.captures,"
    " deposit_reversals = excluded.deposit_reversals, withdrawal_reversals = excluded.withdrawal_reversals"};

void queue_totals(Connection& connection, std::int16_t partition, const domain::SettlementOutput& output) {
  if (output.totals.empty()) return;
  Array currency(Type::text);
  Array deposits(Type::int8);
  Array withdrawals(Type::int8);
  Array captures(Type::int8);
  Array deposit_reversals(Type::int8);
  Array withdrawal_reversals(Type::int8);
  for (const auto& [code, totals] : output.totals) {
    currency.add(std::string_view(code));
    deposits.add(totals.deposits);
    withdrawals.add(totals.withdrawals);
    captures.add(totals.captures);
    deposit_reversals.add(totals.deposit_reversals);
    withdrawal_reversals.add(totals.withdrawal_reversals);
  }
  Parameters parameters;
  parameters.add(partition).add(currency).add(deposits).add(withdrawals).add(captures);
  connection.queue(kUpsertTotals, parameters.add(deposit_reversals).add(withdrawal_reversals));
}

}  // namespace

StoreResult<void> record(Session& session, std::uint32_t partition, const domain::SettlementOutput& output,
                         Deadline deadline) {
  Connection& connection = session.connection;
  const auto number = static_cast<std::int16_t>(partition);
  queue_settlements(connection, number, output.settlements);
  queue_account_writes(connection, output);
  queue_holds(connection, number, output);
  queue_reversals(connection, number, output);
  queue_totals(connection, number, output);
  connection.queue(kCommit);
  const auto results = connection.fly(deadline);
  if (results && results->back().tag() == "COMMIT" && connection.warning().empty()) return {};
  if (results) {
    const std::string warning = connection.warning();
    connection.close();
    return std::unexpected(StoreFault{StoreFault::Kind::unknown, "COMMIT gave a warning: " + warning});
  }
  StoreFault fault = store_fault(results.error());
  if (results.error().kind == Fault::Kind::lost) fault.kind = StoreFault::Kind::unknown;
  if (results.error().about_a_value()) fault.kind = StoreFault::Kind::refused;
  recover(connection, results.error(), deadline);
  return std::unexpected(std::move(fault));
}

}  // namespace tps::postgres
