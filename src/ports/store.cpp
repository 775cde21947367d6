#include "ports/store.hpp"

#include <utility>

namespace tps::ports {

StoreResult<FeedPage> Store::read(const Positions& positions, std::size_t limit, Deadline deadline) {
  auto page = list({.order = Order::oldest_first, .positions = positions, .limit = limit}, deadline);
  if (!page) return std::unexpected(std::move(page.error()));
  return FeedPage{.transactions = std::move(page->transactions),
                  .next_positions = std::move(page->next_positions),
                  .beyond_log = page->beyond_log};
}

}  // namespace tps::ports
