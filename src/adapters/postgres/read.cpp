#include "adapters/postgres/read.hpp"

#include <algorithm>
#include <unordered_map>

#include "adapters/postgres/row.hpp"

namespace tps::postgres {
namespace {

using domain::Transaction;
using ports::Deadline;

// LATERAL with OFFSET 0 is a fence: one probe of the primary key per id, whatever the planner believes.
constexpr auto kFindText = joined("SELECT ", kTransactionColumns,
                                  " FROM unnest($2::bigint[]) AS k(id) CROSS JOIN LATERAL"
                                  " (SELECT * FROM transaction_log WHERE partition = $1 AND id = k.id OFFSET 0) t",
                                  kJoinOutcome);
constexpr Statement kFind{"find", kFindText.data(), true};

// One statement per partition that occurs.
void queue_finds(Connection& connection, std::span<const std::int64_t> sorted_ids) {
  connection.queue(kReadSettings);
  while (!sorted_ids.empty()) {
    const std::uint32_t partition = domain::partition_of_id(sorted_ids.front());
    Array ids(Type::int8);
    std::size_t taken = 0;
    for (; taken < sorted_ids.size() && domain::partition_of_id(sorted_ids[taken]) == partition; ++taken) {
      ids.add(sorted_ids[taken]);
    }
    Parameters parameters;
    connection.queue(kFind, parameters.add(static_cast<std::int16_t>(partition)).add(ids));
    sorted_ids = sorted_ids.subspan(taken);
  }
}

// Ids have no gaps and are settled in order, so counting is a subtraction.
constexpr Statement kBacklog{
    "backlog",
    "SELECT coalesce((SELECT id FROM transaction_log WHERE partition = $1 ORDER BY id DESC LIMIT 1), 0) - position.id,"
    " (SELECT created_at FROM transaction_log WHERE partition = $1 ORDER BY id DESC LIMIT 1),"
    " (SELECT created_at FROM transaction_log WHERE partition = $1 AND id > position.id ORDER BY id LIMIT 1)"
    " FROM (SELECT coalesce((SELECT transaction_id FROM settlement_log WHERE partition = $1"
    " ORDER BY transaction_id DESC LIMIT 1), $2) AS id) position",
    true};

constexpr auto kExpiredHoldsText =
    joined("SELECT ", kTransactionColumns,
           ", k.expires_at, k.transaction_id"
           " FROM (SELECT partition, transaction_id, expires_at FROM holds"
           " WHERE partition = $1 AND status = 'a' AND expires_at <= $2 AND (expires_at, transaction_id) > ($4, $5)"
           " ORDER BY expires_at, transaction_id LIMIT $3) k"
           " LEFT JOIN LATERAL (SELECT * FROM transaction_log WHERE partition = k.partition AND id = k.transaction_id"
           " OFFSET 0) t ON true",
           kJoinOutcome, " ORDER BY k.expires_at, k.transaction_id");
constexpr Statement kExpiredHolds{"expired_holds", kExpiredHoldsText.data(), true};

}  // namespace

Fault unreadable_row(std::int64_t id) {
  return {Fault::Kind::refused, "", "transaction " + std::to_string(id) + " is newer than this tps"};
}

Answer<std::vector<std::optional<Transaction>>> find(Session& session, std::span<const std::int64_t> ids,
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
    const Result& rows = (*results)[i];
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

Answer<ports::Store::Backlog> backlog(Session& session, std::uint32_t partition, Deadline deadline) {
  Parameters parameters;
  parameters.add(static_cast<std::int16_t>(partition)).add(domain::id_before_first(partition));
  session.connection.queue(kReadSettings);
  session.connection.queue(kBacklog, parameters);
  auto results = session.connection.fly(deadline);
  if (!results) return std::unexpected(std::move(results.error()));
  const Result& rows = (*results)[1];
  ports::Store::Backlog backlog;
  backlog.pending = std::max(rows.int8(0, 0), std::int64_t{0});
  backlog.newest = rows.optional_time(0, 1);
  backlog.oldest = rows.optional_time(0, 2);
  return backlog;
}

Answer<ports::DueHolds> expired_holds(Session& session, std::uint32_t partition, domain::Timestamp now,
                                      const ports::HoldPosition& after, std::size_t max, Deadline deadline) {
  Parameters parameters;
  parameters.add(static_cast<std::int16_t>(partition)).add(now).add(static_cast<std::int64_t>(max));
  parameters.add(after.expires_at).add(after.id);
  session.connection.queue(kReadSettings);
  session.connection.queue(kExpiredHolds, parameters);
  auto results = session.connection.fly(deadline);
  if (!results) return std::unexpected(std::move(results.error()));
  const Result& rows = (*results)[1];
  ports::DueHolds due;
  for (int row = 0; row < rows.rows(); ++row) {
    // One that is not there, or that this binary cannot read, keeps no other from expiring.
    auto hold = rows.is_null(row, 0) ? std::nullopt : read_transaction(rows, row);
    if (hold) due.holds.push_back(std::move(*hold));
  }
  if (const int last = rows.rows() - 1; last >= 0 && static_cast<std::size_t>(rows.rows()) >= max) {
    due.next = {rows.time(last, kTransactionColumnCount), rows.int8(last, kTransactionColumnCount + 1)};
  }
  return due;
}

}  // namespace tps::postgres
