#include "adapters/postgres/list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/page_plan.hpp"
#include "adapters/postgres/read.hpp"
#include "adapters/postgres/row.hpp"
#include "ports/store.hpp"

namespace tps::postgres {
namespace {

using adapters::IdRange;
using adapters::PartitionCursor;
using Progress = adapters::PagePlan::Progress;
using domain::Status;
using ports::Deadline;
using ports::ListPage;
using ports::ListQuery;
using ports::Order;

constexpr Statement kEnds{
    "ends",
    "SELECT coalesce((SELECT id FROM transaction_log WHERE partition = $1 ORDER BY id DESC LIMIT 1), $2),"
    " coalesce((SELECT transaction_id FROM settlement_log WHERE partition = $1"
    " ORDER BY transaction_id DESC LIMIT 1), $2),"
    " (SELECT created_at FROM transaction_log WHERE partition = $1 AND id > $3 ORDER BY id LIMIT 1)",
    true};

// Ids have no gaps and created_at never runs back, so halving finds the first one created at $3 or later (or the one
// after the last); that is why created_at needs no index.
constexpr Statement kFirstCreatedFrom{
    "first_created_from",
    "WITH RECURSIVE search(low, high) AS ("
    " SELECT $2::bigint, 1 + coalesce((SELECT id FROM transaction_log WHERE partition = $1"
    " ORDER BY id DESC LIMIT 1), $2::bigint)"
    " UNION ALL"
    " SELECT CASE WHEN t.created_at < $3 THEN m.middle ELSE m.low END,"
    " CASE WHEN t.created_at < $3 THEN m.high ELSE m.middle END"
    " FROM (SELECT low, high, low + (high - low) / 2 AS middle FROM search WHERE high - low > 1) m"
    " JOIN transaction_log t ON t.partition = $1 AND t.id = m.middle) "
    "SELECT min(high) FROM search",
    true};

// The rows of a partition that can match.
Answer<PartitionCursor> cursor_of(Connection& connection, std::uint32_t partition, const ListQuery& query,
                                  Deadline deadline) {
  const auto number = static_cast<std::int16_t>(partition);
  const std::int64_t before = domain::id_before_first(partition);
  const std::int64_t seen =
      query.order == Order::oldest_first ? ports::position_in(query.positions, partition) : before;
  connection.queue(kReadSettings);
  Parameters parameters;
  connection.queue(kEnds, parameters.add(number).add(before).add(seen));
  for (const auto& time : {query.created_from, query.created_to}) {
    Parameters search;
    if (time) connection.queue(kFirstCreatedFrom, search.add(number).add(before).add(*time));
  }
  const auto results = connection.fly(deadline);
  if (!results) return std::unexpected(results.error());
  const Result& row = (*results)[1];
  adapters::PartitionEnds ends{.last_id = row.int8(0, 0), .settled_id = row.int8(0, 1)};
  std::size_t next = 2;
  if (query.created_from) ends.first_from = (*results)[next++].int8(0, 0);
  if (query.created_to) ends.first_to = (*results)[next++].int8(0, 0);
  PartitionCursor cursor{.partition = partition, .unread = adapters::ids_to_read(query, partition, ends)};
  cursor.beyond_log = seen > ends.last_id;
  if (const auto time = row.optional_time(0, 2)) cursor.waiting_since = *time;
  return cursor;
}

// A statement while it is written, and its parameters.
struct Text {
  std::string sql;
  Parameters parameters{};

  template <class Value>
  Text& add(std::string_view words, const Value& value, std::string_view type = "") {
    parameters.add(value);
    sql += fmt::format("{}${}{}", words, parameters.size(), type);
    return *this;
  }
};

// The rows to look at, by the narrowest way into the log. Planned anew each time, for the log as it is. The range of
// ids says which partition; a condition on that too would, without statistics, look as good a way in as the user.
void write_scan(Text& text, std::uint32_t partition, IdRange range, const ListQuery& query, std::size_t max) {
  text.add(" FROM (SELECT * FROM transaction_log WHERE id > ", range.low).add(" AND id < ", range.high);
  if (query.parent_id) {
    text.add(" AND parent_id = ", *query.parent_id);
  } else if (query.user_id) {
    text.add(" AND user_id = ", std::string_view(*query.user_id));
    if (query.reference) text.add(" AND reference = ", std::string_view(*query.reference));
  } else {
    text.add(" AND partition = ", static_cast<std::int16_t>(partition));
  }
  text.sql += query.order == Order::newest_first ? " ORDER BY id DESC" : " ORDER BY id";
  text.add(" LIMIT ", static_cast<std::int64_t>(max));
  text.sql += ") t";
}

// The conditions that the scan does not hold already. False: there are none.
bool write_filter(Text& text, const ListQuery& query) {
  const std::size_t before = text.sql.size();
  text.sql += " WHERE true";
  const std::size_t none = text.sql.size();
  if (query.parent_id && query.user_id) text.add(" AND t.user_id = ", std::string_view(*query.user_id));
  if (query.reference && (query.parent_id || !query.user_id)) {
    text.add(" AND t.reference = ", std::string_view(*query.reference));
  }
  if (query.type) text.add(" AND t.type = ", letter(*query.type), "::\"char\"");
  if (query.currency) text.add(" AND t.currency = ", std::string_view(*query.currency));
  if (query.status == Status::pending) text.sql += " AND s.status IS NULL";
  if (query.status && query.status != Status::pending) {
    text.add(" AND coalesce(h.status, s.status) = ", letter(*query.status), "::\"char\"");
  }
  const bool any = text.sql.size() > none;
  if (!any) text.sql.resize(before);
  return any;
}

// A page while it fills.
class PageBuilder {
 public:
  PageBuilder(Connection& connection, const ListQuery& query, Deadline deadline)
      : connection_(connection), query_(query), deadline_(deadline) {}

  // Adds up to `most_found` rows that match in one partition, and reads up to `most_read` rows for them.
  Answer<Progress> add(std::uint32_t partition, IdRange range, std::size_t most_found, std::size_t most_read) {
    Text filter;
    const bool filtered = write_filter(filter, query_);
    const std::size_t to_read = filtered ? most_read : std::min(most_found + 1, most_read);
    Text text{.sql = fmt::format("SELECT {}", kTransactionColumns.data())};
    write_scan(text, partition, range, query_, to_read);
    text.sql += kJoinOutcome.data();
    write_filter(text, query_);
    text.sql += newest_first() ? " ORDER BY t.id DESC" : " ORDER BY t.id";
    text.add(" LIMIT ", static_cast<std::int64_t>(most_found + 1));
    auto rows = one(text);
    if (!rows) return std::unexpected(rows.error());
    auto progress = take(*rows, most_found, newest_first() ? range.high : range.low);
    if (!progress || progress->more) {
      if (progress) progress->read = to_read;  // at most
      return progress;
    }
    return rest_of(partition, range, to_read, progress->found);
  }

  [[nodiscard]] std::size_t size() const { return transactions_.size(); }
  std::vector<domain::Transaction> take_transactions() { return std::move(transactions_); }

 private:
  [[nodiscard]] bool newest_first() const { return query_.order == Order::newest_first; }

  Answer<Result> one(const Text& text) {
    connection_.queue(kAdHocSettings);
    connection_.queue(Statement{nullptr, text.sql.c_str()}, text.parameters);
    auto results = connection_.fly(deadline_);
    if (!results) return std::unexpected(results.error());
    return std::move(results->back());
  }

  // Takes up to `most_found` rows. `last_id` is what stands for the last row if there is none.
  Answer<Progress> take(const Result& rows, std::size_t most_found, std::int64_t last_id) {
    const auto count = static_cast<std::size_t>(rows.rows());
    Progress progress{.found = std::min(count, most_found), .last_id = last_id, .more = count > most_found};
    for (int row = 0; row < static_cast<int>(progress.found); ++row) {
      auto transaction = read_transaction(rows, row);
      if (!transaction) return std::unexpected(unreadable_row(rows.int8(row, 0)));
      progress.last_id = transaction->id;
      transactions_.push_back(std::move(*transaction));
    }
    return progress;
  }

  // All that match are taken: either the range is exhausted or as many rows were read as may be.
  Answer<Progress> rest_of(std::uint32_t partition, IdRange range, std::size_t to_read, std::size_t found) {
    Text text{.sql = newest_first() ? "SELECT count(*), min(t.id)" : "SELECT count(*), max(t.id)"};
    write_scan(text, partition, range, query_, to_read);
    auto rows = one(text);
    if (!rows) return std::unexpected(rows.error());
    const auto count = static_cast<std::size_t>(rows->int8(0, 0));
    Progress progress{.found = found, .read = count, .more = count > 0 && count == to_read};
    progress.last_id = progress.more ? rows->int8(0, 1) : newest_first() ? range.low + 1 : range.high - 1;
    return progress;
  }

  Connection& connection_;
  const ListQuery& query_;
  const Deadline deadline_;
  std::vector<domain::Transaction> transactions_;
};

// One partition after the other, the one with the highest ids first.
Answer<ListPage> newest_first(Session& session, const ListQuery& query, Deadline deadline) {
  PageBuilder builder(session.connection, query, deadline);
  ListPage page;
  std::size_t budget = ports::kMaxRowsReadPerPage;
  for (std::uint32_t partition = session.identity->partitions; partition-- > 0 && !page.next_after;) {
    const auto cursor = cursor_of(session.connection, partition, query, deadline);
    if (!cursor) return std::unexpected(cursor.error());
    const IdRange range = cursor->unread;
    if (range.empty()) continue;
    if (budget == 0) {
      page.next_after = range.high;
      break;
    }
    // On a page that is full already, this finds out whether there is more.
    const auto progress = builder.add(partition, range, query.limit - builder.size(), budget);
    if (!progress) return std::unexpected(progress.error());
    budget -= std::min(budget, progress->read);
    if (progress->more) page.next_after = progress->last_id;
  }
  page.transactions = builder.take_transactions();
  return page;
}

Answer<ListPage> oldest_first(Session& session, const ListQuery& query, Deadline deadline) {
  std::vector<PartitionCursor> cursors;
  for (std::uint32_t partition = 0; partition < session.identity->partitions; ++partition) {
    const auto cursor = cursor_of(session.connection, partition, query, deadline);
    if (!cursor) return std::unexpected(cursor.error());
    if (cursor->beyond_log) return adapters::page_beyond_log();
    cursors.push_back(*cursor);
  }
  adapters::PagePlan plan(std::move(cursors), query.limit);
  PageBuilder builder(session.connection, query, deadline);
  while (const auto step = plan.next()) {
    const auto progress = builder.add(step->partition, step->range, step->most_found, step->most_read);
    if (!progress) return std::unexpected(progress.error());
    plan.advance(*progress);
  }
  ListPage page{.transactions = builder.take_transactions(), .next_after = {}, .next_positions = plan.positions()};
  std::ranges::sort(page.transactions, {}, &domain::Transaction::id);
  return page;
}

}  // namespace

Answer<ListPage> list(Session& session, const ListQuery& query, Deadline deadline) {
  return query.order == Order::newest_first ? newest_first(session, query, deadline)
                                            : oldest_first(session, query, deadline);
}

}  // namespace tps::postgres
