// The log as later readers follow it: transactions of all partitions, the oldest first, from a position in each. The
// list in this order, the export and subscribers read it. See fault.hpp for the rules that every port keeps.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "domain/transaction.hpp"
#include "ports/fault.hpp"

namespace tps::ports {

// How far a reader is: per partition, the last id looked at. A missing entry means the start of that partition's log.
using Positions = std::vector<std::int64_t>;

// The reader has read this partition up to and including this id.
[[nodiscard]] inline std::int64_t position_in(const Positions& positions, std::uint32_t partition) {
  const std::int64_t start = domain::id_before_first(partition);
  return partition < positions.size() ? std::max(start, positions[partition]) : start;
}

struct FeedPage {
  std::vector<domain::Transaction> transactions;  // as they stand now, by id
  Positions next_positions;                       // of every partition; for the next read(), also if nothing was found
  // A position is beyond the end of its log, so it is of a history that the store does not have any more. The rest is
  // empty.
  bool beyond_log = false;
};

// One thread at a time.
class LogFeed {
 public:
  LogFeed() = default;
  LogFeed(const LogFeed&) = delete;
  LogFeed& operator=(const LogFeed&) = delete;
  virtual ~LogFeed() = default;

  // Up to `limit` transactions. Every partition gets its share of a page, so none can keep another from being read. An
  // empty page: nothing is there yet, so ask again later. A fault changes nothing: read again from the same positions.
  virtual StoreResult<FeedPage> read(const Positions& positions, std::size_t limit, Deadline deadline) = 0;
};

}  // namespace tps::ports
