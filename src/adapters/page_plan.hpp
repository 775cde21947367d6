// Which rows of the logs a page of the list looks at: rules that every engine shares, without any SQL. The engine reads
// where partitions end, asks for ids_to_read() of each, and reads what PagePlan says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "domain/transaction.hpp"
#include "ports/store.hpp"

namespace tps::adapters {

// Ids within one partition: above `low` and below `high`.
struct IdRange {
  std::int64_t low = 0;
  std::int64_t high = 0;
  [[nodiscard]] bool empty() const { return low + 1 >= high; }
  friend bool operator==(const IdRange&, const IdRange&) = default;
};

// An engine reads these of a partition before its rows.
struct PartitionEnds {
  std::int64_t last_id = 0;     // of the log; id_before_first(partition) if it is empty
  std::int64_t settled_id = 0;  // the last one settled, likewise
  // The first id created at or after created_from and created_to of the query, or last_id + 1. Only where those are
  // set.
  std::optional<std::int64_t> first_from{};
  std::optional<std::int64_t> first_to{};
};

// The part of a partition that can match the query.
IdRange ids_to_read(const ports::ListQuery& query, std::uint32_t partition, const PartitionEnds& ends);

// A partition in a page of the change feed.
struct PartitionCursor {
  std::uint32_t partition = 0;
  IdRange unread;
  domain::Timestamp waiting_since{};  // created_at of the first row that the reader has not seen
  bool beyond_log = false;            // the reader's position is beyond the log's end
};

// The page for a reader with a position beyond the end of a log.
ports::ListPage page_beyond_log();

// Shares a page of the change feed among its partitions. Each partition with unread rows first gets an equal share of
// what is left of the page; then partitions with more rows get the rest. The partition that has waited longest goes
// first, so each gets something in time, even when a page is too small for all of them.
//
//   PagePlan plan(cursors, limit);
//   while (const auto step = plan.next()) plan.advance(<read the step>);
class PagePlan {
 public:
  // One cursor for each partition, by number. `limit`: rows on the page; `budget`: rows read for it.
  PagePlan(std::vector<PartitionCursor> cursors, std::size_t limit, std::size_t budget = ports::kMaxRowsReadPerPage);

  struct Step {
    std::uint32_t partition = 0;
    IdRange range{};
    std::size_t most_found = 0;  // at least 1
    std::size_t most_read = 0;   // at least 1
  };
  // The step to read now. nullopt: the page is done.
  std::optional<Step> next();

  struct Progress {
    std::size_t found = 0;     // rows that matched
    std::size_t read = 0;      // rows looked at; at least as many
    std::int64_t last_id = 0;  // of the last row looked at; the step's range.low if there is none
    bool more = false;         // the range has rows after it
  };
  // Takes the result of the step that next() gave last.
  void advance(const Progress& progress);

  // One for each partition, by number: where the next page goes on.
  [[nodiscard]] ports::Positions positions() const;

 private:
  std::vector<PartitionCursor> cursors_;
  std::vector<std::size_t>
      turns_;             // the places in cursors_ of partitions with unread rows, in the order of their turns
  std::size_t turn_ = 0;  // counts on through both rounds
  std::size_t rows_left_;
  std::size_t budget_left_;
};

}  // namespace tps::adapters
