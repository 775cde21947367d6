#include "adapters/postgres_read.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <unordered_map>

#include "adapters/postgres_row.hpp"

namespace tps::adapters {
namespace {

using domain::Transaction;
using service::Balance;
using service::Deadline;

// LATERAL with OFFSET 0 is a fence: one probe of the primary key per id, whatever the planner believes.
constexpr auto kFindText = joined("SELECT ", kTransactionColumns,
                                  " FROM unnest($2::bigint[]) AS k(id) CROSS JOIN LATERAL"
                                  " (SELECT * FROM transaction_log WHERE partition = $1 AND id = k.id OFFSET 0) t",
                                  kJoinSettlement);
constexpr PostgresStatement kFind{"find", kFindText.data(), true};

// One statement per partition that occurs.
void queue_finds(PostgresConnection& connection, std::span<const std::int64_t> sorted_ids) {
  connection.queue(kReadSettings);
  while (!sorted_ids.empty()) {
    const std::uint32_t partition = domain::partition_of_id(sorted_ids.front());
    PostgresArray ids(PostgresType::int8);
    std::size_t taken = 0;
    for (; taken < sorted_ids.size() && domain::partition_of_id(sorted_ids[taken]) == partition; ++taken) {
      ids.add(sorted_ids[taken]);
    }
    PostgresParameters parameters;
    connection.queue(kFind, parameters.add(static_cast<std::int16_t>(partition)).add(ids));
    sorted_ids = sorted_ids.subspan(taken);
  }
}

constexpr PostgresStatement kAccountsOfUser{
    "accounts_of_user",
    "SELECT currency, posted, held, version FROM accounts WHERE partition = $1 AND user_id = $2 AND version > 0"};

// What a user pays is in the user's own partition, what a user gets may be in any. Only what lies behind the position
// of each partition is read, hence the LATERAL fences.
constexpr PostgresStatement kPendingOfUser{
    "pending_of_user",
    "WITH position AS MATERIALIZED (SELECT p.partition, coalesce((SELECT s.transaction_id FROM settlement_log s"
    " WHERE s.partition = p.partition ORDER BY s.transaction_id DESC LIMIT 1), p.partition::bigint << 45) AS id,"
    " (p.partition + 1)::bigint << 45 AS next FROM partitions p),"
    " entries AS ("
    "SELECT t.currency, CASE t.type WHEN 'd' THEN t.amount_minor ELSE -t.amount_minor END AS amount"
    " FROM position CROSS JOIN LATERAL (SELECT * FROM transaction_log"
    " WHERE user_id = $2 AND id > position.id AND id < position.next OFFSET 0) t"
    " WHERE position.partition = $1 AND t.type IN ('d', 'w', 't') AND t.capture = 'a'"
    " UNION ALL "
    "SELECT t.currency, t.amount_minor"
    " FROM position CROSS JOIN LATERAL (SELECT * FROM transaction_log"
    " WHERE to_user_id = $2 AND to_user_id IS NOT NULL AND id > position.id AND id < position.next OFFSET 0) t"
    " WHERE t.type = 't' AND t.capture = 'a') "
    "SELECT currency, least(greatest(sum(amount), -9223372036854775808), 9223372036854775807)::bigint"
    " FROM entries GROUP BY currency",
    true};

// Ids have no gaps and are settled in order, so counting is a subtraction.
constexpr PostgresStatement kBacklog{
    "backlog",
    "SELECT coalesce((SELECT id FROM transaction_log WHERE partition = $1 ORDER BY id DESC LIMIT 1), 0) - position.id,"
    " (SELECT created_at FROM transaction_log WHERE partition = $1 AND id > position.id ORDER BY id LIMIT 1)"
    " FROM (SELECT coalesce((SELECT transaction_id FROM settlement_log WHERE partition = $1"
    " ORDER BY transaction_id DESC LIMIT 1), $2) AS id) position",
    true};

std::int64_t clamped_difference(std::int64_t a, std::int64_t b) {
  std::int64_t difference = 0;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return a < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
}

}  // namespace

PostgresFault unreadable_row(std::int64_t id) {
  return {PostgresFault::Kind::refused, "", "transaction " + std::to_string(id) + " is newer than this tps"};
}

PostgresAnswer<std::vector<std::optional<Transaction>>> postgres_find(PostgresSession& session,
                                                                      std::span<const std::int64_t> ids,
                                                                      Deadline deadline) {
  std::vector<std::int64_t> wanted;
  wanted.reserve(ids.size());
  const auto possible = [&](std::int64_t id) { return id > 0 && domain::partition_of_id(id) < domain::kMaxPartitions; };
  std::ranges::copy_if(ids, std::back_inserter(wanted), possible);
  std::ranges::sort(wanted);
  wanted.erase(std::ranges::unique(wanted).begin(), wanted.end());
  queue_finds(session.connection, wanted);
  auto results = session.connection.fly(deadline);
  if (!results) return std::unexpected(std::move(results.error()));

  std::unordered_map<std::int64_t, Transaction> found;
  found.reserve(wanted.size());
  for (std::size_t i = 1; i < results->size(); ++i) {
    const PostgresResult& rows = (*results)[i];
    for (int row = 0; row < rows.rows(); ++row) {
      auto transaction = read_transaction(rows, row);
      if (!transaction) return std::unexpected(unreadable_row(rows.int8(row, 0)));
      session.connection.log_has(domain::sequence_of_id(transaction->id));
      found.emplace(transaction->id, std::move(*transaction));
    }
  }
  std::vector<std::optional<Transaction>> answer(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (const auto it = found.find(ids[i]); it != found.end()) answer[i] = it->second;
  }
  return answer;
}

PostgresAnswer<std::vector<Balance>> postgres_balances(PostgresSession& session, std::uint32_t partition,
                                                       const std::string& user_id, Deadline deadline) {
  PostgresParameters accounts;
  PostgresParameters pending;
  const auto number = static_cast<std::int16_t>(partition);
  // One statement's snapshot could see a settlement that the other's does not.
  session.connection.queue(kBeginSnapshot);
  session.connection.queue(kReadSettings);
  session.connection.queue(kAccountsOfUser, accounts.add(number).add(std::string_view(user_id)));
  session.connection.queue(kPendingOfUser, pending.add(number).add(std::string_view(user_id)));
  session.connection.queue(kCommit);
  auto results = session.connection.fly(deadline);
  if (!results) return std::unexpected(std::move(results.error()));
  std::map<std::string, Balance> balances;
  const PostgresResult& posted = (*results)[2];
  for (int row = 0; row < posted.rows(); ++row) {
    Balance& balance = balances[std::string(posted.text(row, 0))];
    balance.posted = posted.int8(row, 1);
    balance.held = posted.int8(row, 2);
    balance.version = posted.int8(row, 3);
    balance.available = clamped_difference(balance.posted, balance.held);
  }
  const PostgresResult& open = (*results)[3];
  for (int row = 0; row < open.rows(); ++row) balances[std::string(open.text(row, 0))].pending = open.int8(row, 1);
  std::vector<Balance> answer;
  answer.reserve(balances.size());
  for (auto& [currency, balance] : balances) {
    balance.currency = currency;
    answer.push_back(std::move(balance));
  }
  return answer;
}

PostgresAnswer<service::Store::Backlog> postgres_backlog(PostgresSession& session, std::uint32_t partition,
                                                         Deadline deadline) {
  PostgresParameters parameters;
  parameters.add(static_cast<std::int16_t>(partition)).add(domain::first_id_before(partition));
  session.connection.queue(kReadSettings);
  session.connection.queue(kBacklog, parameters);
  auto results = session.connection.fly(deadline);
  if (!results) return std::unexpected(std::move(results.error()));
  const PostgresResult& rows = (*results)[1];
  service::Store::Backlog backlog;
  backlog.pending = std::max(rows.int8(0, 0), std::int64_t{0});
  backlog.oldest = rows.optional_time(0, 1);
  return backlog;
}

}  // namespace tps::adapters
