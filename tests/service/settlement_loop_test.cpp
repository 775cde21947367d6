// The settlement loop over the memory store: refused batches, expiring holds, and announcements.
#include "service/settlement_loop.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "domain/test_book.hpp"
#include "faulty_store.hpp"
#include "ports/store.hpp"
#include "reference/memory_store.hpp"

namespace tps::service {
namespace {

using namespace std::chrono_literals;
using domain::Status;
using domain::Timestamp;
using domain::Transaction;
using test::FaultPlan;
using test::FaultyStore;
namespace make = domain::test;

ports::Deadline soon() { return std::chrono::steady_clock::now() + 30s; }

// Polls until the condition is true.
template <class Condition>
bool eventually(Condition condition) {
  const ports::Deadline deadline = soon();
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

class Ledgers {
 public:
  explicit Ledgers(FaultPlan& plan, std::uint32_t partitions = 1)
      : plan_(plan), database_(std::make_shared<reference::MemoryDatabase>(partitions)), partitions_(partitions) {
    waiters_down_.down = true;
  }

  // Into the log, in this order. Each child has its accounts from its parent.
  void append(std::vector<Transaction> transactions) {
    for (Transaction& one : transactions) {
      if (one.user_id.empty()) one.user_id = "a";
      if (one.hold_expires_at) one.hold_expires_at = Timestamp(60s);
      domain::Submission submission{.transaction = std::move(one)};
      domain::Submission* const flight[] = {&submission};
      session_->append(flight, now(), soon());
      ASSERT_EQ(submission.acceptance, domain::Acceptance::accepted);
    }
  }

  void start(std::size_t batch = 8) { loops_.push_back(std::make_unique<Worker>(*this, batch)); }
  void stop() { loops_.clear(); }
  void pass(std::chrono::seconds time) { seconds_ += time.count(); }

  [[nodiscard]] Transaction find(std::int64_t id) {
    const auto found = session_->find(std::span(&id, 1), soon());
    return found->front().value_or(Transaction{});
  }
  [[nodiscard]] std::string outcome(std::int64_t id) {
    const Transaction one = find(id);
    return std::string(one.failure ? slug(*one.failure) : slug(one.status));
  }
  [[nodiscard]] bool reaches(std::int64_t id, Status status) {
    return eventually([&] { return find(id).status == status; });
  }
  [[nodiscard]] ports::Balance balance(const std::string& user, std::uint32_t partition = 0) {
    const auto balances = session_->balances(partition, user, soon());
    return balances->empty() ? ports::Balance{} : balances->front();
  }
  [[nodiscard]] std::vector<Transaction> children(std::int64_t parent) {
    return session_->list({.parent_id = parent}, soon())->transactions;
  }
  [[nodiscard]] double settled(Status status) { return metrics_.settled(std::string(slug(status))).Value(); }
  ops::Metrics& metrics() { return metrics_; }
  Waiters& waiters() { return waiters_; }

 private:
  [[nodiscard]] std::unique_ptr<ports::Store> session(FaultPlan& plan) {
    return std::make_unique<FaultyStore>(std::make_unique<reference::MemoryStore>(database_, currencies_), plan);
  }
  [[nodiscard]] Timestamp now() const { return Timestamp(std::chrono::seconds(seconds_)); }

  struct Worker {
    Worker(Ledgers& ledgers, std::size_t batch)
        : session(ledgers.session(ledgers.plan_)),
          loop(
              {.partitions = ledgers.partitions_,
               .batch = batch,
               .expiries = 2,
               .gather = 0ms,
               .shortest_pause = 1ms,
               .longest_pause = 1ms,
               .expiry_interval = 1ms},
              *session, [&ledgers] { return ledgers.now(); }, ledgers.waiters_, ledgers.metrics_) {}
    std::unique_ptr<ports::Store> session;
    SettlementLoop loop;
  };

  FaultPlan& plan_;
  FaultPlan none_;
  FaultPlan waiters_down_;  // so that only the loop wakes waiting requests
  const domain::Currencies currencies_;
  std::shared_ptr<reference::MemoryDatabase> database_;
  const std::uint32_t partitions_;
  std::atomic<std::int64_t> seconds_ = 1;
  ops::Metrics metrics_;
  std::unique_ptr<ports::Store> session_ = session(none_);
  std::unique_ptr<ports::Store> wait_session_ = session(waiters_down_);
  Waiters waiters_{*wait_session_};
  std::vector<std::unique_ptr<Worker>> loops_;
};

std::size_t count_of(const std::string& part, const std::string& text) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

std::vector<Transaction> deposits(std::size_t count) { return {count, make::deposit(10)}; }

TEST(SettlementLoop, ARefusedBatchIsHalvedDownToTheCulprit) {
  FaultPlan plan;
  plan.refused = {5};
  Ledgers ledgers(plan);
  ledgers.append(deposits(8));
  ledgers.start(8);
  ASSERT_TRUE(ledgers.reaches(8, Status::settled));
  ledgers.stop();
  for (const std::int64_t id : {1, 2, 3, 4, 6, 7, 8}) EXPECT_EQ(ledgers.outcome(id), "settled") << id;
  EXPECT_EQ(ledgers.outcome(5), "unprocessable");
  EXPECT_EQ(ledgers.balance("a").posted, 70);
  EXPECT_EQ(ledgers.balance("a").version, 7);
  // All, the first half; then what is left, halved down to 5 alone, twice; and then twice as many each time.
  EXPECT_THAT(plan.batches(), testing::ElementsAre(8, 4, 4, 2, 1, 1, 2, 1));
  EXPECT_EQ(ledgers.metrics().unprocessable.Value(), 1);
  EXPECT_EQ(ledgers.metrics().failed("unprocessable").Value(), 1);
  EXPECT_EQ(ledgers.settled(Status::settled), 7);
  EXPECT_EQ(ledgers.settled(Status::failed), 1);
}

TEST(SettlementLoop, EveryCulpritIsFound) {
  const std::set<std::int64_t> sets[] = {{1}, {8}, {1, 2}, {1, 8}, {3, 4, 5}, {1, 2, 3, 4, 5, 6, 7, 8}};
  for (const auto& refused : sets) {
    FaultPlan plan;
    plan.refused = refused;
    Ledgers ledgers(plan);
    ledgers.append(deposits(8));
    ledgers.start(8);
    ASSERT_TRUE(eventually([&] { return ledgers.find(8).status != Status::pending; }));
    ledgers.stop();
    for (std::int64_t id = 1; id <= 8; ++id) {
      EXPECT_EQ(ledgers.outcome(id), refused.contains(id) ? "unprocessable" : "settled") << id;
    }
    EXPECT_EQ(ledgers.balance("a").posted, 10 * (8 - static_cast<std::int64_t>(refused.size())));
  }
}

// If a hold could not be recorded, the transactions behind it are settled as if there were none.
TEST(SettlementLoop, AHoldThatIsRefusedHoldsNothing) {
  FaultPlan plan;
  plan.refused = {2};
  Ledgers ledgers(plan);
  ledgers.append({make::deposit(100), make::hold(60), make::capture(2, 60), make::withdrawal(100)});
  ledgers.start(8);
  ASSERT_TRUE(ledgers.reaches(4, Status::settled));
  ledgers.stop();
  EXPECT_EQ(ledgers.outcome(2), "unprocessable");
  EXPECT_EQ(ledgers.outcome(3), "invalid_parent_state");
  EXPECT_EQ(ledgers.balance("a").held, 0);
}

// A store that refuses even that blocks its partition, and no other; the loop can still be stopped. It says so once and
// not in each round, though all is well in the other partition.
TEST(SettlementLoop, APartitionThatCannotBeRecordedBlocksNoOther) {
  FaultPlan plan;
  plan.refused = {1};
  plan.refuses_unprocessable = true;
  Ledgers ledgers(plan, 2);
  Transaction other = make::deposit(10, "b");
  other.partition = 1;
  ledgers.append({make::deposit(10), other});
  testing::internal::CaptureStderr();
  ledgers.start(8);
  EXPECT_TRUE(ledgers.reaches(domain::id_before_first(1) + 1, Status::settled));
  EXPECT_TRUE(eventually([&] { return plan.batches().size() > 5; }));
  ledgers.stop();
  const std::string said = testing::internal::GetCapturedStderr();
  const std::string trouble = "settlement could not be written";
  EXPECT_NE(said.find(trouble), std::string::npos);
  EXPECT_EQ(said.find(trouble), said.rfind(trouble)) << said;
  EXPECT_EQ(ledgers.outcome(1), "pending");
  EXPECT_EQ(ledgers.metrics().unprocessable.Value(), 0);
}

// Times of settlements never run back, and a wrong one would last.
TEST(SettlementLoop, WaitsForTheRightTime) {
  FaultPlan plan;
  plan.clock_is_wrong = true;
  Ledgers ledgers(plan);
  ledgers.append(deposits(3));
  ledgers.start();
  const int calls = plan.calls;
  ASSERT_TRUE(eventually([&] { return plan.calls > calls + 10; }));
  EXPECT_EQ(ledgers.outcome(1), "pending");
  plan.clock_is_wrong = false;
  EXPECT_TRUE(ledgers.reaches(3, Status::settled));
}

TEST(SettlementLoop, AHoldExpiresOnce) {
  FaultPlan none;
  Ledgers ledgers(none);
  ledgers.append({make::deposit(100), make::hold(60), make::hold(40)});
  for (int worker = 0; worker < 3; ++worker) ledgers.start();
  ASSERT_TRUE(ledgers.reaches(3, Status::authorized));
  EXPECT_EQ(ledgers.balance("a").held, 100);
  ledgers.append({make::capture(3, 40)});
  ASSERT_TRUE(ledgers.reaches(3, Status::settled));
  ledgers.pass(58s);
  ledgers.append({make::deposit(1)});  // at second 59
  ASSERT_TRUE(ledgers.reaches(5, Status::settled));
  EXPECT_EQ(ledgers.outcome(2), "authorized");
  ledgers.pass(2s);
  ASSERT_TRUE(ledgers.reaches(2, Status::expired));
  ledgers.append({make::deposit(1)});
  ASSERT_TRUE(eventually([&] { return ledgers.balance("a").posted == 62; }));
  ledgers.stop();
  EXPECT_EQ(ledgers.balance("a").held, 0);
  const auto expiries = ledgers.children(2);
  ASSERT_EQ(expiries.size(), 1U);
  EXPECT_EQ(expiries.front().type, domain::Type::expiry);
  EXPECT_EQ(expiries.front().status, Status::settled);
  EXPECT_EQ(ledgers.children(3).size(), 1U);  // its capture
  EXPECT_EQ(ledgers.settled(Status::authorized), 2);
  EXPECT_EQ(ledgers.settled(Status::expired), 1);
}

// Those that come first are due for good; a look sees two at a time. The log names each once.
TEST(SettlementLoop, DamagedHoldsKeepNoOtherFromExpiring) {
  FaultPlan plan;
  plan.damaged_holds = {2, 3, 4};
  Ledgers ledgers(plan);
  ledgers.append({make::deposit(100), make::hold(1), make::hold(2), make::hold(3), make::hold(4), make::hold(5)});
  testing::internal::CaptureStderr();
  ledgers.start();
  ASSERT_TRUE(ledgers.reaches(6, Status::authorized));
  ledgers.pass(60s);
  EXPECT_TRUE(ledgers.reaches(5, Status::expired));
  EXPECT_TRUE(ledgers.reaches(6, Status::expired));
  ledgers.append({make::hold(6)});
  const std::int64_t later = 9;  // behind two expiries
  ASSERT_TRUE(ledgers.reaches(later, Status::authorized));
  ledgers.pass(60s);
  EXPECT_TRUE(ledgers.reaches(later, Status::expired));
  ledgers.stop();
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(count_of("a hold cannot be ended by its expiry", said), 3) << said;
  for (const std::int64_t id : plan.damaged_holds) EXPECT_EQ(ledgers.outcome(id), "authorized") << id;
}

// A hold that a client closed just before is not opened again, nor does its expiry stay in the way.
TEST(SettlementLoop, AnExpiryThatComesTooLateFails) {
  FaultPlan none;
  Ledgers ledgers(none);
  Transaction late = make::expiry(2);
  ledgers.append({make::deposit(100), make::hold(60), make::void_of(2), late, make::withdrawal(100)});
  ledgers.start();
  ASSERT_TRUE(ledgers.reaches(5, Status::settled));
  EXPECT_EQ(ledgers.outcome(2), "voided");
  EXPECT_EQ(ledgers.outcome(4), "invalid_parent_state");
}

// A waiting request gets the state after the batch, which may have closed the hold already.
TEST(SettlementLoop, AnnouncesWhatTheBatchMadeOfAHold) {
  FaultPlan none;
  Ledgers ledgers(none);
  ledgers.append({make::deposit(100), make::hold(60), make::hold(40), make::void_of(2), make::withdrawal(500)});
  boost::asio::io_context context;
  std::vector<std::future<std::optional<Transaction>>> waiting;
  for (const std::int64_t id : {1, 2, 3, 4, 5}) {
    waiting.push_back(boost::asio::co_spawn(context, ledgers.waiters().wait(id, soon()), boost::asio::use_future));
  }
  context.poll();  // all wait
  ledgers.start();
  ASSERT_TRUE(ledgers.reaches(5, Status::failed));
  ledgers.stop();
  context.restart();
  context.run();
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    const auto told = waiting[i].get();
    ASSERT_TRUE(told.has_value()) << i;
    EXPECT_EQ(*told, ledgers.find(static_cast<std::int64_t>(i) + 1)) << i;
  }
  EXPECT_EQ(ledgers.outcome(2), "voided");
}

}  // namespace
}  // namespace tps::service
