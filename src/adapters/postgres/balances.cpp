#include "adapters/postgres/balances.hpp"

#include <map>
#include <string>

#include "domain/money.hpp"

namespace tps::postgres {
namespace {

using ports::Balance;
using ports::Deadline;

constexpr Statement kAccountsOfUser{"accounts_of_user",
                                    "SELECT currency, posted, held, version, overdraft_limit, frozen FROM accounts"
                                    " WHERE partition = $1 AND user_id = $2 AND version > 0"};

// Payments of a user are in the user's own partition; payments to a user may be in any. Only what lies behind the
// position of each partition is read, hence the LATERAL fences. The amounts are those of domain::posted_change.
constexpr Statement kPendingOfUser{
    "pending_of_user",
    "WITH position AS MATERIALIZED (SELECT p.partition, coalesce((SELECT s.transaction_id FROM settlement_log s"
    " WHERE s.partition = p.partition ORDER BY s.transaction_id DESC LIMIT 1), p.partition::bigint << 45) AS id,"
    " (p.partition + 1)::bigint << 45 AS next FROM partitions p),"
    " entries AS ("
    "SELECT t.currency, CASE WHEN t.capture <> 'a' THEN 0 WHEN t.type = 'd' THEN t.amount_minor"
    " WHEN t.type IN ('w', 't', 'c') THEN -t.amount_minor WHEN t.type <> 'r' THEN 0"
    " WHEN (SELECT o.type FROM transaction_log o WHERE o.partition = t.partition AND o.id = t.parent_id) = 'd'"
    " THEN -t.amount_minor ELSE t.amount_minor END AS amount"
    " FROM position CROSS JOIN LATERAL (SELECT * FROM transaction_log"
    " WHERE user_id = $2 AND id > position.id AND id < position.next OFFSET 0) t"
    " WHERE position.partition = $1"
    " UNION ALL "
    "SELECT t.currency, CASE t.type WHEN 'r' THEN -t.amount_minor ELSE t.amount_minor END"
    " FROM position CROSS JOIN LATERAL (SELECT * FROM transaction_log"
    " WHERE to_user_id = $2 AND to_user_id IS NOT NULL AND id > position.id AND id < position.next OFFSET 0) t"
    " WHERE t.type IN ('t', 'c', 'r') AND t.capture = 'a') "
    "SELECT currency, least(greatest(sum(amount), -9223372036854775808), 9223372036854775807)::bigint"
    " FROM entries GROUP BY currency",
    true};

std::map<std::string, Balance> read_balances(const Result& accounts, const Result& pending) {
  std::map<std::string, Balance> balances;
  for (int row = 0; row < accounts.rows(); ++row) {
    Balance& balance = balances[std::string(accounts.text(row, 0))];
    balance.posted = accounts.int8(row, 1);
    balance.held = accounts.int8(row, 2);
    balance.version = accounts.int8(row, 3);
    balance.overdraft_limit = accounts.int8(row, 4);
    balance.frozen = accounts.boolean(row, 5);
    balance.available = domain::clamped_sub(balance.posted, balance.held);
  }
  for (int row = 0; row < pending.rows(); ++row) {
    balances[std::string(pending.text(row, 0))].pending = pending.int8(row, 1);
  }
  return balances;
}

}  // namespace

Answer<std::vector<Balance>> balances(Session& session, std::uint32_t partition, const std::string& user_id,
                                      Deadline deadline) {
  Parameters parameters;
  parameters.add(static_cast<std::int16_t>(partition)).add(std::string_view(user_id));
  // One statement's snapshot could see a settlement that the other's does not.
  session.connection.queue(kBeginSnapshot);
  session.connection.queue(kReadSettings);
  session.connection.queue(kAccountsOfUser, parameters);
  session.connection.queue(kPendingOfUser, parameters);
  session.connection.queue(kCommit);
  auto results = session.connection.fly(deadline);
  if (!results) return std::unexpected(std::move(results.error()));
  std::vector<Balance> answer;
  for (auto& [currency, balance] : read_balances((*results)[2], (*results)[3])) {
    balance.currency = currency;
    answer.push_back(balance);
  }
  return answer;
}

}  // namespace tps::postgres
