// Several sessions at once: the order of commits is the order of ids, and nothing happens twice.
#include <gmock/gmock.h>

#include <atomic>
#include <set>
#include <thread>

#include "contract/fixture.hpp"
#include "ports/fault.hpp"

namespace tps::contract {
namespace {

constexpr int kFlights = 60;
constexpr int kFlightSize = 5;

class Together : public StoreContract {
 protected:
  // Follows the change feed until `last` has come; answers the ids in the order in which they became visible.
  std::vector<std::int64_t> follow(std::int64_t last) {
    const auto store = session();
    const ports::Deadline end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    std::vector<std::int64_t> seen;
    std::vector<std::int64_t> positions;
    while ((seen.empty() || seen.back() < last) && std::chrono::steady_clock::now() < end) {
      const ListPage page = listed(*store, {.order = Order::oldest_first, .positions = positions, .limit = 1'000});
      for (const Transaction& transaction : page.transactions) seen.push_back(transaction.id);
      positions = page.next_positions;
      std::this_thread::yield();
    }
    return seen;
  }

  // Settles until `last` is settled; answers how often another worker had the partition.
  int settle_until(std::int64_t last) {
    const auto store = session();
    const ports::Deadline end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    int refused = 0;
    while (std::chrono::steady_clock::now() < end) {
      const auto input = store->next(0, 50, soon());
      EXPECT_TRUE(input) << input.error().detail;
      if (!input) break;
      if (!*input) {
        ++refused;
        std::this_thread::yield();
        continue;
      }
      if ((*input)->transactions.empty()) {
        const auto answer = store->find(std::vector{last}, soon());
        if (answer && answer->front() && answer->front()->status != Status::pending) break;
        std::this_thread::yield();
        continue;
      }
      const auto recorded = store->record(0, domain::settle(**input, kNow), soon());
      EXPECT_TRUE(recorded) << recorded.error().detail;
    }
    return refused;
  }

  void submit_flights(const std::string& user_id) {
    const auto store = session();
    for (int i = 0; i < kFlights; ++i) {
      const auto flight = submit(*store, std::vector<Transaction>(kFlightSize, deposit(user_id, 1)));
      EXPECT_THAT(verdicts_of(flight), ::testing::Each(Acceptance::accepted));
      for (std::size_t j = 1; j < flight.size(); ++j) {
        EXPECT_EQ(flight[j].transaction.id, flight[0].transaction.id + static_cast<std::int64_t>(j));
      }
    }
  }
};
TPS_ON_EVERY_STORE(Together);

TEST_P(Together, SubmittersLeaveNoGapThatAReaderCouldSee) {
  constexpr std::int64_t kAll = std::int64_t{2} * kFlights * kFlightSize;
  std::vector<std::int64_t> seen;
  {
    const std::jthread reader([&] { seen = follow(kAll); });
    const std::jthread first([&] { submit_flights("a"); });
    const std::jthread second([&] { submit_flights("b"); });
  }
  ASSERT_EQ(seen.size(), kAll);
  for (std::size_t i = 0; i < seen.size(); ++i) ASSERT_EQ(seen[i], static_cast<std::int64_t>(i) + 1);
}

TEST_P(Together, OneKeyIsAcceptedOnce) {
  std::atomic<int> times_accepted = 0;
  std::atomic<int> times_replayed = 0;
  const auto race = [&] {
    const auto store = session();
    for (std::uint64_t key = 0; key < 100; ++key) {
      const auto flight = submit(*store, {with_key(deposit("a"), key), with_key(deposit("a"), 1'000 + key / 10)});
      for (const Submission& submission : flight) {
        times_accepted += submission.acceptance == Acceptance::accepted ? 1 : 0;
        times_replayed += submission.acceptance == Acceptance::replayed ? 1 : 0;
      }
    }
  };
  {
    const std::jthread first(race);
    const std::jthread second(race);
  }
  EXPECT_EQ(times_accepted, 110);
  EXPECT_EQ(times_replayed, 400 - 110);
  EXPECT_EQ(listed(*session(), {.limit = 1'000}).transactions.size(), 110);
}

TEST_P(Together, SettlersAndSubmittersLoseNothing) {
  constexpr std::int64_t kAll = std::int64_t{2} * kFlights * kFlightSize;
  {
    const std::jthread settler([&] { settle_until(kAll); });
    const std::jthread other_settler([&] { settle_until(kAll); });
    const std::jthread first([&] { submit_flights("a"); });
    const std::jthread second([&] { submit_flights("b"); });
  }
  const auto store = session();
  for (const std::string user_id : {"a", "b"}) {
    const auto balances = balances_of(*store, user_id);
    ASSERT_EQ(balances.size(), 1);
    EXPECT_EQ(balances[0].posted, kFlights * kFlightSize);
    EXPECT_EQ(balances[0].version, kFlights * kFlightSize);
    EXPECT_EQ(balances[0].pending, 0);
  }
  EXPECT_EQ(store->backlog(0, soon())->pending, 0);
}

}  // namespace
}  // namespace tps::contract
