// MemoryStore::list: what a page is.
#include <algorithm>

#include "adapters/page_plan.hpp"
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

ListPage MemoryStore::feed(const ListQuery& query) const {
  std::vector<adapters::PartitionCursor> cursors;
  for (std::uint32_t partition = 0; partition < database_->partitions_.size(); ++partition) {
    const std::vector<Transaction>& log = database_->partitions_[partition].log;
    const std::int64_t position = ports::position_in(query.positions, partition);
    const std::int64_t end = domain::id_before_first(partition) + static_cast<std::int64_t>(log.size()) + 1;
    adapters::PartitionCursor cursor{.partition = partition, .unread = {position, end}};
    if (!cursor.unread.empty()) cursor.waiting_since = log[index_of(position + 1)].created_at;
    if (position >= end) return adapters::page_beyond_log();
    cursors.push_back(cursor);
  }
  ListPage page;
  adapters::PagePlan plan(std::move(cursors), query.limit);
  while (const auto step = plan.next()) {
    adapters::PagePlan::Progress progress{.last_id = step->range.low};
    for (const std::int64_t id : ids_led_to(step->partition, query)) {
      if (id <= step->range.low) continue;
      progress.more = progress.found == step->most_found || progress.read == step->most_read;
      if (progress.more) break;
      ++progress.read;
      progress.last_id = id;
      Transaction transaction = *database_->at(id);
      if (!matches(transaction, query)) continue;
      page.transactions.push_back(std::move(transaction));
      ++progress.found;
    }
    plan.advance(progress);
  }
  page.next_positions = plan.positions();
  std::ranges::sort(page.transactions, {}, &Transaction::id);
  return page;
}

}  // namespace tps::reference
