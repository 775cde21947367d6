#include "adapters/page_plan.hpp"

#include <algorithm>

namespace tps::adapters {
namespace {

std::size_t share(std::size_t of, std::size_t among) { return (of + among - 1) / among; }

}  // namespace

// Settlement goes in the order of ids, so the pending rows are those behind its position.
IdRange ids_to_read(const ports::ListQuery& query, std::uint32_t partition, const PartitionEnds& ends) {
  IdRange range{domain::id_before_first(partition), ends.last_id + 1};
  if (query.status == domain::Status::pending) {
    range.low = std::max(range.low, ends.settled_id);
  } else if (query.status) {
    range.high = std::min(range.high, ends.settled_id + 1);
  }
  if (ends.first_from) range.low = std::max(range.low, *ends.first_from - 1);
  if (ends.first_to) range.high = std::min(range.high, *ends.first_to);
  if (query.order == ports::Order::oldest_first) {
    range.low = std::max(range.low, ports::position_in(query.positions, partition));
  } else if (query.after) {
    range.high = std::min(range.high, *query.after);
  }
  return range;
}

ports::ListPage page_beyond_log() {
  ports::ListPage page;
  page.beyond_log = true;
  return page;
}

PagePlan::PagePlan(std::vector<PartitionCursor> cursors, std::size_t limit, std::size_t budget)
    : cursors_(std::move(cursors)), rows_left_(limit), budget_left_(budget) {
  for (std::size_t place = 0; place < cursors_.size(); ++place) {
    if (!cursors_[place].unread.empty()) turns_.push_back(place);
  }
  std::ranges::stable_sort(turns_, {}, [this](std::size_t place) { return cursors_[place].waiting_since; });
}

std::optional<PagePlan::Step> PagePlan::next() {
  for (; turn_ < 2 * turns_.size() && rows_left_ > 0 && budget_left_ > 0; ++turn_) {
    const PartitionCursor& cursor = cursors_[turns_[turn_ % turns_.size()]];
    if (cursor.unread.empty()) continue;
    const std::size_t among = turn_ < turns_.size() ? turns_.size() - turn_ : 1;
    return Step{.partition = cursor.partition,
                .range = cursor.unread,
                .most_found = share(rows_left_, among),
                .most_read = share(budget_left_, among)};
  }
  return std::nullopt;
}

void PagePlan::advance(const Progress& progress) {
  PartitionCursor& cursor = cursors_[turns_[turn_++ % turns_.size()]];
  rows_left_ -= std::min(rows_left_, progress.found);
  budget_left_ -= std::min(budget_left_, progress.read);
  cursor.unread.low = progress.last_id;
  if (!progress.more) cursor.unread.high = cursor.unread.low;
}

ports::Positions PagePlan::positions() const {
  ports::Positions positions;
  positions.reserve(cursors_.size());
  for (const PartitionCursor& cursor : cursors_) positions.push_back(cursor.unread.low);
  return positions;
}

}  // namespace tps::adapters
