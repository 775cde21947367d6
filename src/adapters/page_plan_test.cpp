#include "adapters/page_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string_view>

namespace tps::adapters {
namespace {

using domain::Status;
using ports::ListQuery;
using ports::Order;
using testing::ElementsAreArray;

constexpr std::int64_t kBefore = domain::id_before_first(1);  // partition 1 stands for all

domain::Timestamp at(int second) { return domain::Timestamp(std::chrono::seconds(second)); }

struct RangeCase {
  std::string_view name;
  ListQuery query;
  PartitionEnds ends;
  IdRange range;  // counted from kBefore
};

TEST(PagePlan, ReadsTheIdsThatCanMatch) {
  const PartitionEnds ends{.last_id = kBefore + 9, .settled_id = kBefore + 6};
  const auto between = [&](std::optional<std::int64_t> from, std::optional<std::int64_t> to) {
    PartitionEnds narrowed = ends;
    if (from) narrowed.first_from = kBefore + *from;
    if (to) narrowed.first_to = kBefore + *to;
    return narrowed;
  };
  const std::vector<RangeCase> cases = {
      {"an empty log", {}, {.last_id = kBefore, .settled_id = kBefore}, {0, 1}},
      {"everything", {}, ends, {0, 10}},
      {"pending", {.status = Status::pending}, ends, {6, 10}},
      {"settled", {.status = Status::settled}, ends, {0, 7}},
      {"from a time", {}, between(4, {}), {3, 10}},
      {"to a time", {}, between({}, 4), {0, 4}},
      {"from after to", {}, between(8, 4), {7, 4}},
      {"pending, from a time before", {.status = Status::pending}, between(4, {}), {6, 10}},
      {"pending, from a time after", {.status = Status::pending}, between(9, {}), {8, 10}},
      {"newest first, after an id", {.after = kBefore + 5}, ends, {0, 5}},
      {"newest first, after an id above", {.after = kBefore + 50}, ends, {0, 10}},
      {"newest first, positions do not count", {.positions = {0, kBefore + 5}}, ends, {0, 10}},
      {"oldest first, from a position", {.order = Order::oldest_first, .positions = {0, kBefore + 5}}, ends, {5, 10}},
      {"oldest first, from the start", {.order = Order::oldest_first, .positions = {7}}, ends, {0, 10}},
      {"oldest first, past the end", {.order = Order::oldest_first, .positions = {0, kBefore + 50}}, ends, {50, 10}},
      {"oldest first, `after` does not count", {.order = Order::oldest_first, .after = kBefore + 5}, ends, {0, 10}},
  };
  for (const RangeCase& row : cases) {
    const IdRange range = ids_to_read(row.query, 1, row.ends);
    EXPECT_EQ(range, (IdRange{kBefore + row.range.low, kBefore + row.range.high})) << row.name;
  }
}

// The log of a partition for these tests: `rows` rows, of which every `matching`-th matches.
struct Log {
  int waiting_since = 0;
  std::size_t rows = 0;
  std::size_t matching = 1;
};

struct PageCase {
  std::string_view name;
  std::vector<Log> logs;
  std::size_t limit;
  std::size_t budget;
  std::vector<std::uint32_t> turns;     // the partitions, in the order in which they are read
  std::vector<std::int64_t> positions;  // rows looked at per partition
};

struct Page {
  std::vector<std::uint32_t> turns;
  std::vector<std::int64_t> positions;
  std::size_t found = 0;
  std::size_t read = 0;
};

Page page_of(const PageCase& row) {
  std::vector<PartitionCursor> cursors;
  for (std::uint32_t partition = 0; partition < row.logs.size(); ++partition) {
    const Log& log = row.logs[partition];
    const std::int64_t before = domain::id_before_first(partition);
    cursors.push_back({partition, {before, before + static_cast<std::int64_t>(log.rows) + 1}, at(log.waiting_since)});
  }
  PagePlan plan(std::move(cursors), row.limit, row.budget);
  Page page;
  while (const auto step = plan.next()) {
    const std::size_t matching = row.logs[step->partition].matching;
    PagePlan::Progress progress{.last_id = step->range.low};
    while (progress.last_id + 1 < step->range.high && progress.read < step->most_read &&
           progress.found < step->most_found) {
      ++progress.read;
      const auto sequence = static_cast<std::size_t>(domain::sequence_of_id(++progress.last_id));
      if (matching > 0 && sequence % matching == 0) ++progress.found;
    }
    progress.more = progress.last_id + 1 < step->range.high;
    page.turns.push_back(step->partition);
    page.found += progress.found;
    page.read += progress.read;
    plan.advance(progress);
  }
  for (const std::int64_t position : plan.positions()) page.positions.push_back(domain::sequence_of_id(position));
  return page;
}

TEST(PagePlan, SharesAPage) {
  const std::vector<PageCase> cases = {
      {"no room", {{0, 5}}, 0, 100, {}, {0}},
      {"no rows to read", {{0, 5}}, 5, 0, {}, {0}},
      {"empty logs", {{0, 0}, {0, 0}}, 5, 100, {}, {0, 0}},
      {"one partition, all of it", {{0, 5}}, 10, 100, {0}, {5}},
      {"one partition, a part", {{0, 50}}, 10, 100, {0}, {10}},
      {"equal shares", {{0, 50}, {0, 50}, {0, 50}, {0, 50}}, 20, 100, {0, 1, 2, 3}, {5, 5, 5, 5}},
      {"shares of an uneven page", {{0, 50}, {0, 50}, {0, 50}, {0, 50}}, 6, 100, {0, 1, 2, 3}, {2, 2, 1, 1}},
      {"empty logs have no share", {{0, 50}, {0, 0}, {0, 50}}, 20, 100, {0, 2}, {10, 0, 10}},
      {"a short log leaves its rest to those after it", {{0, 2}, {0, 50}}, 20, 100, {0, 1}, {2, 18}},
      {"and to those before it", {{0, 50}, {0, 2}}, 20, 100, {0, 1, 0}, {18, 2}},
      {"the longest waiting first", {{9, 50}, {3, 50}, {5, 50}}, 2, 100, {1, 2}, {0, 1, 1}},
      {"one row goes to the longest waiting", {{9, 50}, {3, 50}}, 1, 100, {1}, {0, 1}},
      {"nothing matches: reads the budget", {{0, 50, 0}}, 10, 30, {0}, {30}},
      {"nothing matches: shares the budget", {{0, 50, 0}, {0, 50, 0}}, 10, 30, {0, 1}, {15, 15}},
      {"the rest of a budget", {{0, 50, 0}, {0, 1}}, 10, 30, {0, 1, 0}, {29, 1}},
      {"every third matches", {{0, 50, 3}, {0, 50, 3}}, 4, 100, {0, 1}, {6, 6}},
  };
  for (const PageCase& row : cases) {
    const Page page = page_of(row);
    EXPECT_THAT(page.turns, ElementsAreArray(row.turns)) << row.name;
    EXPECT_THAT(page.positions, ElementsAreArray(row.positions)) << row.name;
    EXPECT_LE(page.found, row.limit) << row.name;
    EXPECT_LE(page.read, row.budget) << row.name;
  }
}

}  // namespace
}  // namespace tps::adapters
