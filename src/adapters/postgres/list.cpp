#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/postgres/read.hpp"
#include "adapters/postgres/row.hpp"
#include "ports/store.hpp"

namespace tps::postgres {
namespace {

using domain::Status;
using ports::Deadline;
using ports::ListPage;
using ports::ListQuery;
using ports::Order;

// Ids to look at within one partition: above `low` and below `high`.
struct IdRange {
  std::int64_t low = 0;
  std::int64_t high = 0;
  domain::Timestamp waiting_since{};  // oldest first: created_at of the first that the reader has not seen
};

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

// The part of a partition that can match: settlement goes in the order of ids, so what is pending is what lies
// behind its position.
Answer<IdRange> narrowed(Connection& connection, std::uint32_t partition, const ListQuery& query, Deadline deadline) {
  const auto number = static_cast<std::int16_t>(partition);
  const std::int64_t before = domain::first_id_before(partition);
  const std::int64_t seen = query.order == Order::oldest_first ? query.position_of(partition) : before;
  connection.queue(kReadSettings);
  Parameters ends;
  connection.queue(kEnds, ends.add(number).add(before).add(seen));
  for (const auto& time : {query.created_from, query.created_to}) {
    Parameters search;
    if (time) connection.queue(kFirstCreatedFrom, search.add(number).add(before).add(*time));
  }
  const auto results = connection.fly(deadline);
  if (!results) return std::unexpected(results.error());
  const std::int64_t position = (*results)[1].int8(0, 1);
  IdRange range{.low = seen, .high = (*results)[1].int8(0, 0) + 1};
  if (const auto time = (*results)[1].optional_time(0, 2)) range.waiting_since = *time;
  if (query.status == Status::pending) range.low = std::max(range.low, position);
  if (query.status && query.status != Status::pending) range.high = std::min(range.high, position + 1);
  std::size_t next = 2;
  if (query.created_from) range.low = std::max(range.low, (*results)[next++].int8(0, 0) - 1);
  if (query.created_to) range.high = std::min(range.high, (*results)[next++].int8(0, 0));
  if (query.after && query.order == Order::newest_first) range.high = std::min(range.high, *query.after);
  return range;
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

// How far one partition was looked at.
struct Look {
  std::int64_t last_looked_at = 0;
  bool more = false;  // stopped before the end of the range
};

// A page while it fills.
class Filling {
 public:
  Filling(Connection& connection, const ListQuery& query, Deadline deadline)
      : connection_(connection), query_(query), deadline_(deadline) {}

  [[nodiscard]] std::size_t wanted() const { return query_.limit - std::min(query_.limit, transactions_.size()); }
  [[nodiscard]] std::size_t budget() const {
    return ports::kMaxRowsReadPerPage - std::min(ports::kMaxRowsReadPerPage, rows_read_);
  }

  // Adds up to `wanted` that match in one partition, and reads up to `budget` rows for them.
  Answer<Look> add(std::uint32_t partition, IdRange range, std::size_t wanted, std::size_t budget) {
    Text probe;
    const bool filtered = write_filter(probe, query_);
    const std::size_t to_read = filtered ? budget : std::min(wanted + 1, budget);
    Text text{.sql = fmt::format("SELECT {}", kTransactionColumns.data())};
    write_scan(text, partition, range, query_, to_read);
    text.sql += kJoinOutcome.data();
    write_filter(text, query_);
    text.sql += newest_first() ? " ORDER BY t.id DESC" : " ORDER BY t.id";
    text.add(" LIMIT ", static_cast<std::int64_t>(wanted + 1));
    auto rows = one(text);
    if (!rows) return std::unexpected(rows.error());
    Look look{.last_looked_at = newest_first() ? range.high : range.low};
    if (auto taken = take(*rows, wanted, look); !taken) return std::unexpected(taken.error());
    if (!look.more) return look_at_the_rest(partition, range, to_read);
    rows_read_ += to_read;  // at most
    return look;
  }

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

  Answer<void> take(const Result& rows, std::size_t wanted, Look& look) {
    const auto count = static_cast<std::size_t>(rows.rows());
    look.more = count > wanted;
    for (int row = 0; row < static_cast<int>(std::min(count, wanted)); ++row) {
      auto transaction = read_transaction(rows, row);
      if (!transaction) return std::unexpected(unreadable_row(rows.int8(row, 0)));
      look.last_looked_at = transaction->id;
      transactions_.push_back(std::move(*transaction));
    }
    return {};
  }

  // The page is not full: either the range is exhausted or as many rows were read as may be.
  Answer<Look> look_at_the_rest(std::uint32_t partition, IdRange range, std::size_t to_read) {
    Text text{.sql = newest_first() ? "SELECT count(*), min(t.id)" : "SELECT count(*), max(t.id)"};
    write_scan(text, partition, range, query_, to_read);
    auto rows = one(text);
    if (!rows) return std::unexpected(rows.error());
    const auto count = static_cast<std::size_t>(rows->int8(0, 0));
    rows_read_ += count;
    if (count > 0 && count == to_read) return Look{.last_looked_at = rows->int8(0, 1), .more = true};
    return Look{.last_looked_at = newest_first() ? range.low + 1 : range.high - 1};
  }

  Connection& connection_;
  const ListQuery& query_;
  const Deadline deadline_;
  std::vector<domain::Transaction> transactions_;
  std::size_t rows_read_ = 0;
};

// One partition after the other, the one with the highest ids first.
Answer<ListPage> newest_first(Session& session, const ListQuery& query, Deadline deadline) {
  Filling filling(session.connection, query, deadline);
  ListPage page;
  for (std::uint32_t partition = session.identity->partitions; partition-- > 0 && !page.next_after;) {
    const auto range = narrowed(session.connection, partition, query, deadline);
    if (!range) return std::unexpected(range.error());
    if (range->low + 1 >= range->high) continue;
    if (filling.budget() == 0) {
      page.next_after = range->high;
      break;
    }
    // On a page that is full already, this finds out whether there is more.
    const auto look = filling.add(partition, *range, filling.wanted(), filling.budget());
    if (!look) return std::unexpected(look.error());
    if (look->more) page.next_after = look->last_looked_at;
  }
  page.transactions = filling.take_transactions();
  return page;
}

std::size_t share(std::size_t of, std::size_t among) { return (of + among - 1) / among; }

// A partition in a page of the change feed.
struct Turn {
  std::uint32_t partition = 0;
  IdRange range;  // still to look at
  bool open = true;
};

// First every partition has an equal share of what is left of the page, then what some did not use goes to the others.
// Who waits longest goes first, so that each gets something also when a page is too small for all of them.
Answer<ListPage> oldest_first(Session& session, const ListQuery& query, Deadline deadline) {
  const std::uint32_t partitions = session.identity->partitions;
  std::vector<Turn> turns;
  for (std::uint32_t partition = 0; partition < partitions; ++partition) {
    const auto range = narrowed(session.connection, partition, query, deadline);
    if (!range) return std::unexpected(range.error());
    turns.push_back({.partition = partition, .range = *range, .open = range->low + 1 < range->high});
  }
  std::ranges::stable_sort(turns, {}, [](const Turn& turn) { return turn.range.waiting_since; });

  Filling filling(session.connection, query, deadline);
  for (std::size_t step = 0; step < std::size_t{2} * partitions; ++step) {
    Turn& turn = turns[step % partitions];
    const std::size_t among = step < partitions ? partitions - step : 1;
    const std::size_t wanted = share(filling.wanted(), among);
    const std::size_t budget = share(filling.budget(), among);
    if (!turn.open || wanted == 0 || budget == 0) continue;
    const auto look = filling.add(turn.partition, turn.range, wanted, budget);
    if (!look) return std::unexpected(look.error());
    turn.range.low = look->last_looked_at;
    turn.open = look->more;
  }
  ListPage page;
  page.transactions = filling.take_transactions();
  std::ranges::sort(page.transactions, {}, &domain::Transaction::id);
  std::ranges::sort(turns, {}, &Turn::partition);
  for (const Turn& turn : turns) page.next_positions.push_back(turn.range.low);
  return page;
}

}  // namespace

Answer<ListPage> postgres_list(Session& session, const ListQuery& query, Deadline deadline) {
  return query.order == Order::newest_first ? newest_first(session, query, deadline)
                                            : oldest_first(session, query, deadline);
}

}  // namespace tps::postgres
