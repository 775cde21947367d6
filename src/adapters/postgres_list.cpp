#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/postgres_read.hpp"
#include "adapters/postgres_row.hpp"

namespace tps::adapters {
namespace {

using domain::Status;
using service::Deadline;
using service::ListPage;
using service::ListQuery;
using service::Order;

// Ids to look at within one partition: above `low` and below `high`.
struct IdRange {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

constexpr PostgresStatement kEnds{
    "ends",
    "SELECT coalesce((SELECT id FROM transaction_log WHERE partition = $1 ORDER BY id DESC LIMIT 1), $2),"
    " coalesce((SELECT transaction_id FROM settlement_log WHERE partition = $1"
    " ORDER BY transaction_id DESC LIMIT 1), $2)",
    true};

// Ids have no gaps and created_at never runs back, so halving finds the first one created at $3 or later (or the one
// after the last); that is why created_at needs no index.
constexpr PostgresStatement kFirstCreatedFrom{
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
PostgresAnswer<IdRange> narrowed(PostgresConnection& connection, std::uint32_t partition, const ListQuery& query,
                                 Deadline deadline) {
  const auto number = static_cast<std::int16_t>(partition);
  const std::int64_t before = domain::first_id_before(partition);
  connection.queue(kReadSettings);
  PostgresParameters ends;
  connection.queue(kEnds, ends.add(number).add(before));
  for (const auto& time : {query.created_from, query.created_to}) {
    PostgresParameters search;
    if (time) connection.queue(kFirstCreatedFrom, search.add(number).add(before).add(*time));
  }
  const auto results = connection.fly(deadline);
  if (!results) return std::unexpected(results.error());
  const std::int64_t position = (*results)[1].int8(0, 1);
  IdRange range{before, (*results)[1].int8(0, 0) + 1};
  if (query.status == Status::pending) range.low = std::max(range.low, position);
  if (query.status && query.status != Status::pending) range.high = std::min(range.high, position + 1);
  std::size_t next = 2;
  if (query.created_from) range.low = std::max(range.low, (*results)[next++].int8(0, 0) - 1);
  if (query.created_to) range.high = std::min(range.high, (*results)[next++].int8(0, 0));
  if (query.after && query.order == Order::newest_first) range.high = std::min(range.high, *query.after);
  if (query.after && query.order == Order::oldest_first) range.low = std::max(range.low, *query.after);
  return range;
}

// A statement while it is written, and its parameters.
struct Text {
  std::string sql;
  PostgresParameters parameters{};

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
    text.add(" AND s.status = ", letter(*query.status), "::\"char\"");
  }
  const bool any = text.sql.size() > none;
  if (!any) text.sql.resize(before);
  return any;
}

// A page while it fills.
class Filling {
 public:
  Filling(PostgresConnection& connection, const ListQuery& query, Deadline deadline)
      : connection_(connection), query_(query), deadline_(deadline) {}

  [[nodiscard]] bool stopped() const { return more_; }

  // Adds what matches in one partition.
  PostgresAnswer<void> add(std::uint32_t partition, IdRange range) {
    const std::size_t wanted = query_.limit - page_.transactions.size();
    Text probe;
    const bool filtered = write_filter(probe, query_);
    const std::size_t budget = service::kMaxRowsReadPerPage - rows_read_;
    const std::size_t to_read = filtered ? budget : std::min(wanted + 1, budget);
    Text text{.sql = fmt::format("SELECT {}", kTransactionColumns)};
    write_scan(text, partition, range, query_, to_read);
    text.sql += kJoinSettlement;
    write_filter(text, query_);
    text.sql += query_.order == Order::newest_first ? " ORDER BY t.id DESC" : " ORDER BY t.id";
    text.add(" LIMIT ", static_cast<std::int64_t>(wanted + 1));
    auto rows = one(text);
    if (!rows) return std::unexpected(rows.error());
    if (auto taken = take(*rows, wanted); !taken || more_) return taken;
    return look_at_the_rest(partition, range, to_read);
  }

  ListPage page() {
    if (query_.order == Order::oldest_first) {
      page_.next_after = last_looked_at_.value_or(query_.after.value_or(0));
    } else if (more_) {
      page_.next_after = last_looked_at_;
    }
    return std::move(page_);
  }

 private:
  PostgresAnswer<PostgresResult> one(const Text& text) {
    connection_.queue(kAdHocSettings);
    connection_.queue(PostgresStatement{nullptr, text.sql.c_str()}, text.parameters);
    auto results = connection_.fly(deadline_);
    if (!results) return std::unexpected(results.error());
    return std::move(results->back());
  }

  PostgresAnswer<void> take(const PostgresResult& rows, std::size_t wanted) {
    const auto count = static_cast<std::size_t>(rows.rows());
    more_ = count > wanted;
    for (int row = 0; row < static_cast<int>(std::min(count, wanted)); ++row) {
      auto transaction = read_transaction(rows, row);
      if (!transaction) return std::unexpected(unreadable_row(rows.int8(row, 0)));
      last_looked_at_ = transaction->id;
      page_.transactions.push_back(std::move(*transaction));
    }
    return {};
  }

  // The page is not full: either the range is exhausted or as many rows were read as may be.
  PostgresAnswer<void> look_at_the_rest(std::uint32_t partition, IdRange range, std::size_t to_read) {
    const bool newest_first = query_.order == Order::newest_first;
    Text text{.sql = newest_first ? "SELECT count(*), min(t.id)" : "SELECT count(*), max(t.id)"};
    write_scan(text, partition, range, query_, to_read);
    auto rows = one(text);
    if (!rows) return std::unexpected(rows.error());
    const auto count = static_cast<std::size_t>(rows->int8(0, 0));
    rows_read_ += count;
    more_ = count == to_read || rows_read_ >= service::kMaxRowsReadPerPage;
    if (more_ && count > 0) {
      last_looked_at_ = rows->int8(0, 1);
    } else {
      // Rows that came after the range was made may be on the page already; going back over them would repeat them.
      last_looked_at_ = newest_first ? range.low + 1 : std::max(range.high - 1, last_looked_at_.value_or(0));
    }
    return {};
  }

  PostgresConnection& connection_;
  const ListQuery& query_;
  const Deadline deadline_;
  ListPage page_;
  std::size_t rows_read_ = 0;
  std::optional<std::int64_t> last_looked_at_;
  bool more_ = false;  // stopped before the end
};

}  // namespace

PostgresAnswer<ListPage> postgres_list(PostgresSession& session, const ListQuery& query, Deadline deadline) {
  const std::uint32_t partitions = session.identity->partitions;
  Filling filling(session.connection, query, deadline);
  for (std::uint32_t step = 0; step < partitions && !filling.stopped(); ++step) {
    const std::uint32_t partition = query.order == Order::newest_first ? partitions - 1 - step : step;
    const auto range = narrowed(session.connection, partition, query, deadline);
    if (!range) return std::unexpected(range.error());
    if (range->low + 1 >= range->high) continue;
    if (auto added = filling.add(partition, *range); !added) return std::unexpected(added.error());
  }
  return filling.page();
}

}  // namespace tps::adapters
