// MemoryStore::list: what a page is, and the shares of the partitions in the change feed.
#include <algorithm>

#include "ports/store.hpp"
#include "reference/memory_store.hpp"

namespace tps::reference {
namespace {

using domain::Transaction;
using ports::ListPage;
using ports::ListQuery;
using ports::StoreResult;

bool matches(const Transaction& transaction, const ListQuery& query) {
  return (!query.user_id || transaction.user_id == *query.user_id) &&
         (!query.status || transaction.status == *query.status) && (!query.type || transaction.type == *query.type) &&
         (!query.currency || transaction.currency == *query.currency) &&
         (!query.reference || transaction.reference == query.reference) &&
         (!query.parent_id || transaction.parent_id == query.parent_id) &&
         (!query.created_from || transaction.created_at >= *query.created_from) &&
         (!query.created_to || transaction.created_at < *query.created_to);
}

std::size_t share_of(std::size_t whole, std::size_t partitions) { return (whole + partitions - 1) / partitions; }

// A partition in a page of the change feed.
struct Turn {
  std::uint32_t partition = 0;
  domain::Timestamp waiting_since{};  // created_at of the first row that the reader has not seen
  std::vector<std::int64_t> ids{};    // those to look at
  std::size_t looked_at = 0;
};

}  // namespace

StoreResult<ListPage> MemoryStore::list(const ListQuery& query, ports::Deadline) {
  const std::lock_guard guard(database_->mutex_);
  return query.order == ports::Order::newest_first ? newest(query) : feed(query);
}

// All that an index leads to, ascending.
std::vector<std::int64_t> MemoryStore::ids_led_to(std::uint32_t partition, const ListQuery& query) const {
  std::vector<std::int64_t> ids;
  for (const Transaction& transaction : database_->partitions_[partition].log) {
    const bool led_to = (!query.user_id || transaction.user_id == *query.user_id) &&
                        (!query.parent_id || transaction.parent_id == query.parent_id);
    if (led_to) ids.push_back(transaction.id);
  }
  return ids;
}

ListPage MemoryStore::newest(const ListQuery& query) const {
  std::vector<std::int64_t> ids;
  for (std::uint32_t partition = 0; partition < database_->partitions_.size(); ++partition) {
    std::ranges::copy(ids_led_to(partition, query), std::back_inserter(ids));
  }
  std::ranges::reverse(ids);
  if (query.after) std::erase_if(ids, [&](auto id) { return id >= *query.after; });

  ListPage page;
  std::size_t looked_at = 0;
  while (looked_at < ids.size() && page.transactions.size() < query.limit && looked_at < ports::kMaxRowsReadPerPage) {
    Transaction transaction = *database_->at(ids[looked_at++]);
    if (matches(transaction, query)) page.transactions.push_back(std::move(transaction));
  }
  if (looked_at < ids.size()) page.next_after = looked_at > 0 ? ids[looked_at - 1] : query.after;
  return page;
}

// First every partition gets its share, then they get what others left. Who waits longest goes first, so that each gets
// something also when a page is too small for all.
ListPage MemoryStore::feed(const ListQuery& query) const {
  ListPage page;
  std::vector<Turn> turns;
  for (std::uint32_t partition = 0; partition < database_->partitions_.size(); ++partition) {
    const std::int64_t position = query.position_of(partition);
    page.next_positions.push_back(position);
    Turn turn{.partition = partition, .ids = ids_led_to(partition, query)};
    std::erase_if(turn.ids, [&](std::int64_t id) { return id <= position; });
    if (turn.ids.empty()) continue;
    turn.waiting_since = database_->partitions_[partition].log[index_of(position + 1)].created_at;
    turns.push_back(std::move(turn));
  }
  std::ranges::stable_sort(turns, {}, &Turn::waiting_since);

  const std::size_t partitions = database_->partitions_.size();
  std::size_t rows_left = ports::kMaxRowsReadPerPage;
  const auto take = [&](Turn& turn, std::size_t most_found, std::size_t most_read) {
    most_found = std::min(most_found, query.limit - page.transactions.size());
    most_read = std::min(most_read, rows_left);
    std::size_t found = 0;
    for (std::size_t read = 0; read < most_read && found < most_found && turn.looked_at < turn.ids.size(); ++read) {
      const std::int64_t id = turn.ids[turn.looked_at++];
      page.next_positions[turn.partition] = id;
      --rows_left;
      Transaction transaction = *database_->at(id);
      if (!matches(transaction, query)) continue;
      page.transactions.push_back(std::move(transaction));
      ++found;
    }
  };
  for (Turn& turn : turns) {
    take(turn, share_of(query.limit, partitions), share_of(ports::kMaxRowsReadPerPage, partitions));
  }
  for (Turn& turn : turns) take(turn, query.limit, ports::kMaxRowsReadPerPage);
  std::ranges::sort(page.transactions, {}, &Transaction::id);
  return page;
}

}  // namespace tps::reference
