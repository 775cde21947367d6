#include "adapters/sqlite/list.hpp"

#include <algorithm>
#include <array>

#include "adapters/sqlite/append.hpp"
#include "adapters/sqlite/read.hpp"
#include "adapters/sqlite/row.hpp"
#include "adapters/sqlite/settle.hpp"
#include "ports/store.hpp"

namespace tps::sqlite {
namespace {

using ports::ListPage;
using ports::ListQuery;
using ports::Order;
using ports::StoreResult;

// Ids to look at within one partition: above `low` and below `high`.
struct IdRange {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

// The first id in (range.low, range.high) created at or after `time`, or range.high. Ids have no gaps and created_at
// never runs back, so halving finds it; that is why created_at needs no index.
StoreResult<std::int64_t> first_created_from(Connection& reader, IdRange range, domain::Timestamp time) {
  while (range.high - range.low > 1) {
    const std::int64_t middle = range.low + (range.high - range.low) / 2;
    const auto created_at = sqlite_created_at(reader, middle);
    if (!created_at) return std::unexpected(created_at.error());
    (*created_at < time ? range.low : range.high) = middle;
  }
  return range.high;
}

// The part of a partition that can match: settlement goes in the order of ids, so what is pending is what lies
// behind its position.
StoreResult<IdRange> narrowed(Connection& reader, std::uint32_t partition, const ListQuery& query) {
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
  if (query.order == Order::newest_first) {
    if (query.after) range.high = std::min(range.high, *query.after);
  } else {
    range.low = std::max(range.low, query.position_of(partition));
  }
  return range;
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
struct Filling {
  const ListQuery& query;
  ListPage page{};
  std::size_t rows_left = ports::kMaxRowsReadPerPage;

  // Looks at up to `most_read` rows of a range of one partition, of which up to `most_found` may match; `last` is the
  // id of the last one looked at. True: the range has more.
  StoreResult<bool> add(Connection& reader, IdRange range, std::size_t most_found, std::size_t most_read,
                        std::optional<std::int64_t>& last) {
    most_found = std::min(most_found, query.limit - page.transactions.size());
    most_read = std::min(most_read, rows_left);
    Use use(scan(reader, query));
    use->bind(1, range.low);
    use->bind(2, range.high);
    use->bind(3, static_cast<std::int64_t>(most_read + 1));
    int code = SQLITE_OK;
    while ((code = use->step()) == SQLITE_ROW) {
      if (most_found == 0 || most_read == 0) return true;
      --most_read;
      --rows_left;
      last = use->integer(TransactionColumn::kId);
      if (!matches(*use, query)) continue;
      auto transaction = read_transaction(*use);
      if (!transaction) return std::unexpected(unreadable_row(*use));
      page.transactions.push_back(std::move(*transaction));
      --most_found;
    }
    if (code != SQLITE_DONE) return std::unexpected(reader.fault(code));
    return false;
  }
};

StoreResult<ListPage> newest(Connection& reader, std::uint32_t partitions, const ListQuery& query) {
  Filling filling{.query = query};
  std::optional<std::int64_t> last;
  for (std::uint32_t partition = partitions; partition-- > 0;) {
    const auto range = narrowed(reader, partition, query);
    if (!range) return std::unexpected(range.error());
    if (range->low + 1 >= range->high) continue;
    const auto more = filling.add(reader, *range, query.limit, ports::kMaxRowsReadPerPage, last);
    if (!more) return std::unexpected(more.error());
    if (!*more) continue;
    filling.page.next_after = last;
    break;
  }
  return std::move(filling.page);
}

// A partition in a page of the change feed.
struct Turn {
  std::uint32_t partition = 0;
  IdRange range;
  domain::Timestamp waiting_since{};  // created_at of the first row that the reader has not seen
};

// The partitions that have something to look at. Who waits longest goes first.
StoreResult<std::vector<Turn>> turns_of(Connection& reader, std::uint32_t partitions, const ListQuery& query) {
  std::vector<Turn> turns;
  for (std::uint32_t partition = 0; partition < partitions; ++partition) {
    const auto range = narrowed(reader, partition, query);
    if (!range) return std::unexpected(range.error());
    if (range->low + 1 >= range->high) continue;
    const auto created_at = sqlite_created_at(reader, range->low + 1);
    if (!created_at) return std::unexpected(created_at.error());
    turns.push_back({partition, *range, *created_at});
  }
  std::ranges::stable_sort(turns, {}, &Turn::waiting_since);
  return turns;
}

// First every partition gets its share of the page, then they get what others left. Since who waits longest goes first,
// each gets something also when a page is too small for all.
StoreResult<ListPage> feed(Connection& reader, std::uint32_t partitions, const ListQuery& query) {
  auto turns = turns_of(reader, partitions, query);
  if (!turns) return std::unexpected(turns.error());
  Filling filling{.query = query};
  std::vector<std::int64_t>& positions = filling.page.next_positions;
  for (std::uint32_t partition = 0; partition < partitions; ++partition) {
    positions.push_back(query.position_of(partition));
  }
  const auto share_of = [&](std::size_t whole) { return (whole + partitions - 1) / partitions; };
  const auto take = [&](Turn& turn, std::size_t most_found, std::size_t most_read) -> StoreResult<void> {
    std::optional<std::int64_t> last;
    const auto more = filling.add(reader, turn.range, most_found, most_read, last);
    if (!more) return std::unexpected(more.error());
    if (last) positions[turn.partition] = turn.range.low = *last;
    if (!*more) turn.range.high = turn.range.low;
    return {};
  };
  for (Turn& turn : *turns) {
    auto taken = take(turn, share_of(query.limit), share_of(ports::kMaxRowsReadPerPage));
    if (!taken) return std::unexpected(taken.error());
  }
  for (Turn& turn : *turns) {
    if (turn.range.low >= turn.range.high || filling.page.transactions.size() == query.limit) continue;
    if (auto taken = take(turn, query.limit, ports::kMaxRowsReadPerPage); !taken) {
      return std::unexpected(taken.error());
    }
  }
  std::ranges::sort(filling.page.transactions, {}, &domain::Transaction::id);
  return std::move(filling.page);
}

}  // namespace

StoreResult<ListPage> sqlite_list(Connection& reader, std::uint32_t partitions, const ListQuery& query) {
  const DbTransaction snapshot(reader, DbTransaction::Kind::read);
  if (snapshot.begin_code() != SQLITE_OK) return std::unexpected(reader.fault(snapshot.begin_code()));
  return query.order == Order::newest_first ? newest(reader, partitions, query) : feed(reader, partitions, query);
}

}  // namespace tps::sqlite
