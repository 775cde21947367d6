// A batch of an import over a store that fails: every line is imported once, in order, whichever call failed.
#include "files/import_flight.hpp"

#include <gtest/gtest.h>

#include "faulty_store.hpp"
#include "ports/store.hpp"
#include "reference/memory_store.hpp"
#include "service/submission.hpp"

namespace tps::files {
namespace {

using namespace std::chrono_literals;
using domain::Acceptance;
using test::FaultPlan;
using test::FaultyStore;

constexpr std::uint32_t kPartitions = 2;
const domain::Currencies kCurrencies;

std::vector<domain::Submission> batch() {
  std::vector<domain::Submission> made;
  for (int i = 0; i < 20; ++i) {
    service::Instruction instruction;
    instruction.transaction.user_id = "user_" + std::to_string(i % 5);
    instruction.transaction.amount_minor = i + 1;
    instruction.transaction.currency = "USD";
    instruction.key = service::IdempotencyKey{"key " + std::to_string(i), std::nullopt};
    made.push_back(service::make_submission(std::move(instruction), "import", kPartitions));
  }
  return made;
}

Persistence persistence(std::chrono::milliseconds patience) {
  return {.patience = patience,
          .pause = [](std::chrono::milliseconds) { return false; },
          .now = [] { return domain::Timestamp(1s); }};
}

std::vector<domain::Transaction> log_of(ports::Store& store) {
  auto page = store.list({.limit = 100}, std::chrono::steady_clock::now() + 10s);
  return page ? page->transactions : std::vector<domain::Transaction>();
}

TEST(ImportFlight, EverythingIsInOnceWhateverCallFails) {
  for (const auto kind : {FaultPlan::Kind::unavailable, FaultPlan::Kind::answer_lost}) {
    bool reached = true;
    for (int fail_at = 0; reached; ++fail_at) {
      FaultPlan plan;
      plan.fail_at = fail_at;
      plan.kind = kind;
      const auto database = std::make_shared<reference::MemoryDatabase>(kPartitions);
      FaultyStore store(std::make_unique<reference::MemoryStore>(database, kCurrencies), plan);
      auto items = batch();
      ASSERT_TRUE(fly(store, items, persistence(10s)));
      reached = plan.reached();
      for (const auto& item : items) EXPECT_EQ(item.acceptance, Acceptance::accepted);
      reference::MemoryStore direct(database, kCurrencies);
      const auto log = log_of(direct);
      EXPECT_EQ(log.size(), items.size());
      std::map<std::string, std::int64_t> last;  // newest first, so amounts of a user fall
      for (const auto& transaction : log) {
        auto [before, first] = last.try_emplace(transaction.user_id, INT64_MAX);
        EXPECT_LT(transaction.amount_minor, before->second);
        before->second = transaction.amount_minor;
      }
      auto again = batch();
      ASSERT_TRUE(fly(direct, again, persistence(0s)));
      for (const auto& item : again) EXPECT_EQ(item.acceptance, Acceptance::replayed);
      EXPECT_EQ(log_of(direct).size(), items.size());
    }
  }
}

TEST(ImportFlight, WithoutPatienceItGivesUp) {
  FaultPlan plan;
  plan.fail_at = 0;
  FaultyStore store(
      std::make_unique<reference::MemoryStore>(std::make_shared<reference::MemoryDatabase>(kPartitions), kCurrencies),
      plan);
  auto items = batch();
  EXPECT_FALSE(fly(store, items, persistence(0s)));
}

TEST(ImportFlight, EndsWhenAskedTo) {
  FaultPlan plan;
  plan.fail_at = 0;
  FaultyStore store(
      std::make_unique<reference::MemoryStore>(std::make_shared<reference::MemoryDatabase>(kPartitions), kCurrencies),
      plan);
  auto items = batch();
  Persistence impatient = persistence(10s);
  impatient.pause = [](std::chrono::milliseconds) { return true; };
  const auto done = fly(store, items, impatient);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error(), "interrupted");
}

}  // namespace
}  // namespace tps::files
