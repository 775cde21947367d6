#include "adapters/sqlite/list.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "adapters/page_plan.hpp"
#include "adapters/sqlite/log.hpp"
#include "adapters/sqlite/read.hpp"
#include "adapters/sqlite/row.hpp"
#include "ports/store.hpp"

namespace tps::sqlite {
namespace {

using adapters::IdRange;
using adapters::PartitionCursor;
using Progress = adapters::PagePlan::Progress;
using ports::ListPage;
using ports::ListQuery;
using ports::Order;
using ports::StoreResult;

// The first id in (range.low, range.high) created at or after `time`, or range.high. Ids have no gaps and created_at
// never runs back, so halving finds it; that is why created_at needs no index.
StoreResult<std::int64_t> first_created_from(Connection& reader, IdRange range, domain::Timestamp time) {
  while (range.high - range.low > 1) {
    const std::int64_t middle = range.low + (range.high - range.low) / 2;
    const auto created_at = created_at_of(reader, middle);
    if (!created_at) return std::unexpected(created_at.error());
    (*created_at < time ? range.low : range.high) = middle;
  }
  return range.high;
}

StoreResult<IdRange> range_of(Connection& reader, std::uint32_t partition, const ListQuery& query) {
  const auto end = log_end(reader, partition);
  const auto position = position_of(reader, partition);
  if (!position) return std::unexpected(position.error());
  if (!end) return std::unexpected(reader.fault(end.error()));
  adapters::PartitionEnds ends{.last_id = end->id, .settled_id = position->id};
  const IdRange all{domain::id_before_first(partition), end->id + 1};
  if (query.created_from) {
    const auto first = first_created_from(reader, all, *query.created_from);
    if (!first) return std::unexpected(first.error());
    ends.first_from = *first;
  }
  if (query.created_to) {
    const auto first = first_created_from(reader, all, *query.created_to);
    if (!first) return std::unexpected(first.error());
    ends.first_to = *first;
  }
  return adapters::ids_to_read(query, partition, ends);
}

// The ways into the log, by what is known, in both orders. The parameters are the range of ids, how many rows at most,
// and then the filter.
struct Path {
  using Select = std::string (*)(std::string_view rest);
  Path(Select select, const std::string& id, const std::string& condition)
      : newest_first(
            select("WHERE " + id + " > ?1 AND " + id + " < ?2 " + condition + " ORDER BY " + id + " DESC LIMIT ?3")),
        oldest_first(
            select("WHERE " + id + " > ?1 AND " + id + " < ?2 " + condition + " ORDER BY " + id + " LIMIT ?3")) {}
  std::string newest_first;
  std::string oldest_first;
  [[nodiscard]] const std::string& in(Order order) const {
    return order == Order::newest_first ? newest_first : oldest_first;
  }
};
const Path kAll(select_transactions, "t.id", "");
const Path kOfUser(select_transactions, "t.id", "AND t.user_id = ?4");
const Path kOfUserWithReference(select_transactions, "t.id", "AND t.user_id = ?4 AND t.reference = ?5");
const Path kOfParent(select_transactions, "t.id", "AND t.parent_id = ?4");
const Path kHeld(select_held_transactions, "h.transaction_id", "");

bool is_only_of_holds(domain::Status status) {
  return status == domain::Status::authorized || status == domain::Status::voided || status == domain::Status::expired;
}

// The narrowest way for the query, with its filter bound.
Statement& scan(Connection& reader, const ListQuery& query) {
  if (query.parent_id) {
    Statement& statement = reader.statement(kOfParent.in(query.order));
    statement.bind(4, *query.parent_id);
    return statement;
  }
  if (query.user_id && query.reference) {
    Statement& statement = reader.statement(kOfUserWithReference.in(query.order));
    statement.bind(4, *query.user_id);
    statement.bind(5, *query.reference);
    return statement;
  }
  if (query.user_id) {
    Statement& statement = reader.statement(kOfUser.in(query.order));
    statement.bind(4, *query.user_id);
    return statement;
  }
  const bool held = query.status && is_only_of_holds(*query.status);
  return reader.statement((held ? kHeld : kAll).in(query.order));
}

// Looks only at the columns that the query names: most rows of a rare filter are not worth decoding.
bool matches(const Statement& row, const ListQuery& query) {
  using Column = TransactionColumn;
  if (query.user_id && row.text(Column::kUserId) != *query.user_id) return false;
  if (query.type && row.text(Column::kType) != domain::slug(*query.type)) return false;
  if (query.currency && row.text(Column::kCurrency) != *query.currency) return false;
  if (query.reference && (row.is_null(Column::kReference) || row.text(Column::kReference) != *query.reference)) {
    return false;
  }
  if (query.status) {
    const int column = row.is_null(Column::kHoldStatus) ? Column::kStatus : Column::kHoldStatus;
    const std::string_view status = row.is_null(column) ? "pending" : row.text(column);
    if (status != domain::slug(*query.status)) return false;
  }
  return true;
}

// A page while it fills.
struct PageBuilder {
  const ListQuery& query;
  std::vector<domain::Transaction> transactions{};

  // Looks at up to `most_read` rows of a range of one partition, of which up to `most_found` may match.
  StoreResult<Progress> add(Connection& reader, IdRange range, std::size_t most_found, std::size_t most_read) {
    Progress progress{.last_id = range.low};
    Use use(scan(reader, query));
    use->bind(1, range.low);
    use->bind(2, range.high);
    use->bind(3, static_cast<std::int64_t>(most_read + 1));
    int code = SQLITE_OK;
    while ((code = use->step()) == SQLITE_ROW) {
      progress.more = progress.found == most_found || progress.read == most_read;
      if (progress.more) return progress;
      ++progress.read;
      progress.last_id = use->integer(TransactionColumn::kId);
      if (!matches(*use, query)) continue;
      auto transaction = read_transaction(*use);
      if (!transaction) return std::unexpected(unreadable_row(*use));
      transactions.push_back(std::move(*transaction));
      ++progress.found;
    }
    if (code != SQLITE_DONE) return std::unexpected(reader.fault(code));
    return progress;
  }
};

// One partition after the other, the one with the highest ids first.
StoreResult<ListPage> newest(Connection& reader, std::uint32_t partitions, const ListQuery& query) {
  PageBuilder builder{.query = query};
  ListPage page;
  std::size_t budget = ports::kMaxRowsReadPerPage;
  std::optional<std::int64_t> last_id;
  for (std::uint32_t partition = partitions; partition-- > 0 && !page.next_after;) {
    const auto range = range_of(reader, partition, query);
    if (!range) return std::unexpected(range.error());
    if (range->empty()) continue;
    // On a page that is full already, this finds out whether there is more.
    const auto progress = builder.add(reader, *range, query.limit - builder.transactions.size(), budget);
    if (!progress) return std::unexpected(progress.error());
    budget -= progress->read;
    if (progress->read > 0) last_id = progress->last_id;
    if (progress->more) page.next_after = last_id;
  }
  page.transactions = std::move(builder.transactions);
  return page;
}

// Of all partitions.
StoreResult<std::vector<PartitionCursor>> cursors_of(Connection& reader, std::uint32_t partitions,
                                                     const ListQuery& query) {
  std::vector<PartitionCursor> cursors;
  for (std::uint32_t partition = 0; partition < partitions; ++partition) {
    const auto range = range_of(reader, partition, query);
    if (!range) return std::unexpected(range.error());
    PartitionCursor cursor{.partition = partition, .unread = *range};
    if (range->empty()) {
      const auto end = log_end(reader, partition);
      if (!end) return std::unexpected(reader.fault(SQLITE_ERROR));
      cursor.beyond_log = ports::position_in(query.positions, partition) > end->id;
    } else {
      const auto created_at = created_at_of(reader, range->low + 1);
      if (!created_at) return std::unexpected(created_at.error());
      cursor.waiting_since = *created_at;
    }
    cursors.push_back(cursor);
  }
  return cursors;
}

StoreResult<ListPage> feed(Connection& reader, std::uint32_t partitions, const ListQuery& query) {
  auto cursors = cursors_of(reader, partitions, query);
  if (!cursors) return std::unexpected(cursors.error());
  if (std::ranges::any_of(*cursors, &PartitionCursor::beyond_log)) return adapters::page_beyond_log();
  adapters::PagePlan plan(std::move(*cursors), query.limit);
  PageBuilder builder{.query = query};
  while (const auto step = plan.next()) {
    const auto progress = builder.add(reader, step->range, step->most_found, step->most_read);
    if (!progress) return std::unexpected(progress.error());
    plan.advance(*progress);
  }
  std::ranges::sort(builder.transactions, {}, &domain::Transaction::id);
  return ListPage{
      .transactions = std::move(builder.transactions), .next_after = {}, .next_positions = plan.positions()};
}

}  // namespace

StoreResult<ListPage> list(Connection& reader, std::uint32_t partitions, const ListQuery& query) {
  const DatabaseTransaction snapshot(reader, DatabaseTransaction::Kind::read);
  if (snapshot.begin_code() != SQLITE_OK) return std::unexpected(reader.fault(snapshot.begin_code()));
  return query.order == Order::newest_first ? newest(reader, partitions, query) : feed(reader, partitions, query);
}

}  // namespace tps::sqlite
