#include "adapters/sqlite_list.hpp"

#include <algorithm>
#include <array>

#include "adapters/sqlite_append.hpp"
#include "adapters/sqlite_row.hpp"
#include "adapters/sqlite_settle.hpp"

namespace tps::adapters {
namespace {

using service::ListPage;
using service::ListQuery;
using service::Order;
using service::StoreResult;

constexpr std::string_view kCreatedAt = "SELECT created_at FROM transaction_log WHERE id = ?1";

// Ids to look at within one partition: above `low` and below `high`.
struct IdRange {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

// The first id in (range.low, range.high) created at or after `time`, or range.high. Ids have no gaps and created_at
// never runs back, so halving finds it; that is why created_at needs no index.
StoreResult<std::int64_t> first_created_from(SqliteConnection& reader, IdRange range, domain::Timestamp time) {
  while (range.high - range.low > 1) {
    const std::int64_t middle = range.low + (range.high - range.low) / 2;
    SqliteUse use(reader.statement(kCreatedAt));
    use->bind(1, middle);
    const int code = use->step();
    if (code != SQLITE_ROW) return std::unexpected(reader.fault(code));
    (use->time(0) < time ? range.low : range.high) = middle;
  }
  return range.high;
}

// The part of a partition that can match: settlement goes in the order of ids, so what is pending is what lies
// behind its position.
StoreResult<IdRange> narrowed(SqliteConnection& reader, std::uint32_t partition, const ListQuery& query) {
  const auto end = sqlite_log_end(reader, partition);
  const auto position = sqlite_position(reader, partition);
  if (!position) return std::unexpected(position.error());
  if (!end) return std::unexpected(reader.fault(SQLITE_ERROR));
  const IdRange all{domain::first_id_before(partition), end->id + 1};
  IdRange range = all;
  if (query.status) {
    if (*query.status == domain::Status::pending) {
      range.low = position->id;
    } else {
      range.high = position->id + 1;
    }
  }
  if (query.created_from) {
    const auto first = first_created_from(reader, all, *query.created_from);
    if (!first) return std::unexpected(first.error());
    range.low = std::max(range.low, *first - 1);
  }
  if (query.created_to) {
    const auto first = first_created_from(reader, all, *query.created_to);
    if (!first) return std::unexpected(first.error());
    range.high = std::min(range.high, *first);
  }
  if (query.after && query.order == Order::newest_first) range.high = std::min(range.high, *query.after);
  if (query.after && query.order == Order::oldest_first) range.low = std::max(range.low, *query.after);
  return range;
}

// The ways into the log, by what is known, in both orders. The parameters are the range of ids and then the filter.
struct Path {
  explicit Path(std::string_view condition)
      : newest_first(select_transactions("WHERE t.id > ?1 AND t.id < ?2 " + std::string(condition) +
                                         " ORDER BY t.id DESC LIMIT ?3")),
        oldest_first(select_transactions("WHERE t.id > ?1 AND t.id < ?2 " + std::string(condition) +
                                         " ORDER BY t.id LIMIT ?3")) {}
  std::string newest_first;
  std::string oldest_first;
  [[nodiscard]] const std::string& in(Order order) const {
    return order == Order::newest_first ? newest_first : oldest_first;
  }
};
const Path kAll("");
const Path kOfUser("AND t.user_id = ?4");
const Path kOfUserWithReference("AND t.user_id = ?4 AND t.reference = ?5");
const Path kOfParent("AND t.parent_id = ?4");

// The narrowest way for the query, with its filter bound.
SqliteStatement& scan(SqliteConnection& reader, const ListQuery& query) {
  if (query.parent_id) {
    SqliteStatement& statement = reader.statement(kOfParent.in(query.order));
    statement.bind(4, *query.parent_id);
    return statement;
  }
  if (query.user_id && query.reference) {
    SqliteStatement& statement = reader.statement(kOfUserWithReference.in(query.order));
    statement.bind(4, *query.user_id);
    statement.bind(5, *query.reference);
    return statement;
  }
  if (query.user_id) {
    SqliteStatement& statement = reader.statement(kOfUser.in(query.order));
    statement.bind(4, *query.user_id);
    return statement;
  }
  return reader.statement(kAll.in(query.order));
}

// Looks only at the columns that the query names: most rows of a rare filter are not worth decoding.
bool matches(const SqliteStatement& row, const ListQuery& query) {
  using Column = SqliteTransactionColumn;
  if (query.user_id && row.text(Column::kUserId) != *query.user_id) return false;
  if (query.type && row.text(Column::kType) != domain::slug(*query.type)) return false;
  if (query.currency && row.text(Column::kCurrency) != *query.currency) return false;
  if (query.reference && (row.is_null(Column::kReference) || row.text(Column::kReference) != *query.reference)) {
    return false;
  }
  if (query.status) {
    const std::string_view status = row.is_null(Column::kStatus) ? "pending" : row.text(Column::kStatus);
    if (status != domain::slug(*query.status)) return false;
  }
  return true;
}

// A page while it fills.
struct Filling {
  const ListQuery& query;
  ListPage page{};
  std::size_t rows_read = 0;
  std::optional<std::int64_t> last_looked_at{};
  bool more = false;  // stopped before the end

  // Adds what matches in one partition; stops before the row that would be too much.
  StoreResult<void> add(SqliteConnection& reader, IdRange range) {
    SqliteUse use(scan(reader, query));
    use->bind(1, range.low);
    use->bind(2, range.high);
    use->bind(3, static_cast<std::int64_t>(service::kMaxRowsReadPerPage - rows_read + 1));
    int code = SQLITE_OK;
    while ((code = use->step()) == SQLITE_ROW) {
      more = page.transactions.size() >= query.limit || rows_read >= service::kMaxRowsReadPerPage;
      if (more) return {};
      ++rows_read;
      last_looked_at = use->integer(SqliteTransactionColumn::kId);
      if (!matches(*use, query)) continue;
      auto transaction = read_transaction(*use);
      if (!transaction) return std::unexpected(unreadable_row(*use));
      page.transactions.push_back(std::move(*transaction));
    }
    if (code != SQLITE_DONE) return std::unexpected(reader.fault(code));
    return {};
  }
};

}  // namespace

StoreResult<ListPage> sqlite_list(SqliteConnection& reader, std::uint32_t partitions, const ListQuery& query) {
  const SqliteTransaction snapshot(reader, SqliteTransaction::Kind::read);
  if (snapshot.begin_code() != SQLITE_OK) return std::unexpected(reader.fault(snapshot.begin_code()));
  Filling filling{.query = query};
  for (std::uint32_t step = 0; step < partitions && !filling.more; ++step) {
    const std::uint32_t partition = query.order == Order::newest_first ? partitions - 1 - step : step;
    const auto range = narrowed(reader, partition, query);
    if (!range) return std::unexpected(range.error());
    if (range->low + 1 >= range->high) continue;
    if (auto added = filling.add(reader, *range); !added) return std::unexpected(added.error());
  }
  if (query.order == Order::oldest_first) {
    filling.page.next_after = filling.last_looked_at.value_or(query.after.value_or(0));
  } else if (filling.more) {
    filling.page.next_after = filling.last_looked_at;
  }
  return std::move(filling.page);
}

}  // namespace tps::adapters
