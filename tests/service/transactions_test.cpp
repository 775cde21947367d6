// The use cases over the memory store, with all their threads: the answers to clients, also when the store fails.
#include "service/transactions.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <memory>
#include <thread>

#include "faulty_store.hpp"
#include "ports/history.hpp"
#include "ports/store.hpp"
#include "reference/memory_store.hpp"
#include "service/flights.hpp"
#include "service/settlement_loop.hpp"

namespace tps::service {
namespace {

using namespace std::chrono_literals;
using domain::ErrorCode;
using domain::Status;
using domain::Type;
using test::FaultPlan;
using test::FaultyStore;

ports::Deadline soon() { return std::chrono::steady_clock::now() + 30s; }

// The whole service on one IO thread.
class World {
 public:
  explicit World(FaultPlan& plan, bool worker = true, std::chrono::milliseconds gather = 0ms) : plan_(plan) {
    if (worker) {
      settlement_.emplace(SettlementOptions{.batch = 3, .gather = gather, .shortest_pause = 1ms}, *settle_session_,
                          clock(), waiters_, metrics_);
    }
  }
  ~World() {
    submit_.stop();
    read_.stop();
    query_.stop();
    if (settlement_) settlement_->stop();
    waiters_.stop();
    guard_.reset();
    io_.join();
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  domain::Answer<Submitted> submit(Type type, const std::string& user, std::int64_t amount, const std::string& key,
                                   std::optional<std::string> to = std::nullopt) {
    return run(transactions_.submit(instruction(type, user, amount, key, std::move(to)), caller_, soon()));
  }
  std::vector<domain::Answer<Submitted>> batch(std::vector<domain::Answer<Instruction>> items, bool atomic) {
    return run(transactions_.submit_batch(std::move(items), atomic, caller_, soon()));
  }
  domain::Answer<domain::Transaction> find(std::int64_t id) { return run(transactions_.find(id, caller_, soon())); }
  domain::Transaction wait(const domain::Transaction& transaction) {
    return run(transactions_.wait(transaction, soon()));
  }
  domain::Answer<std::vector<ports::Balance>> balances(const std::string& user) {
    return run(transactions_.balances(user, std::nullopt, caller_, soon()));
  }
  void drain() { waiters_.drain(); }
  [[nodiscard]] double cached(const std::string& outcome) { return metrics_.cache_operation("local", outcome).Value(); }

  static Instruction instruction(Type type, const std::string& user, std::int64_t amount, const std::string& key,
                                 std::optional<std::string> to = std::nullopt) {
    Instruction made;
    made.transaction.type = type;
    made.transaction.user_id = user;
    made.transaction.to_user_id = std::move(to);
    made.transaction.amount_minor = amount;
    made.transaction.currency = "USD";
    if (!key.empty()) made.key = IdempotencyKey{key, std::nullopt};
    return made;
  }

 private:
  template <class T>
  T run(boost::asio::awaitable<T> task) {
    return boost::asio::co_spawn(context_, std::move(task), boost::asio::use_future).get();
  }
  std::unique_ptr<ports::Store> session() {
    return std::make_unique<FaultyStore>(std::make_unique<reference::MemoryStore>(database_, currencies_), plan_);
  }
  static domain::Clock clock() {
    return [] { return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now()); };
  }

  FaultPlan& plan_;
  const domain::Currencies currencies_;
  ops::Metrics metrics_;
  std::shared_ptr<reference::MemoryDatabase> database_ = std::make_shared<reference::MemoryDatabase>();
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{context_.get_executor()};
  std::thread io_{[this] { context_.run(); }};
  std::unique_ptr<ports::Store> submit_session_ = session();
  std::unique_ptr<ports::Store> read_session_ = session();
  std::unique_ptr<ports::Store> query_session_ = session();
  std::unique_ptr<ports::Store> wait_session_ = session();
  std::unique_ptr<ports::Store> settle_session_ = session();
  ports::History history_;
  LocalCache local_cache_{100, history_};
  Waiters waiters_{*wait_session_};
  std::optional<SettlementLoop> settlement_;
  lanes::Lane submit_{{.name = "submit"},
                      metrics_,
                      submit_flight(
                          *submit_session_, clock(),
                          [this] {
                            if (settlement_) settlement_->wake();
                          },
                          metrics_)};
  lanes::Lane read_{{.name = "read"}, metrics_, find_flight(*read_session_, metrics_)};
  lanes::Lane query_{{.name = "query", .max_flight = 1}, metrics_, query_flight(*query_session_)};
  Transactions transactions_{1,
                             {.submit = submit_,
                              .read = read_,
                              .balance = query_,
                              .query = query_,
                              .history = history_,
                              .local_cache = local_cache_,
                              .waiters = waiters_,
                              .metrics = metrics_}};
  const domain::Caller caller_{"anonymous"};
};

TEST(Transactions, ADepositIsAcceptedSettledAndRead) {
  FaultPlan none;
  World world(none);
  const auto submitted = world.submit(Type::deposit, "a", 500, "");
  ASSERT_TRUE(submitted.has_value());
  EXPECT_EQ(submitted->transaction.id, 1);
  EXPECT_EQ(submitted->transaction.status, Status::pending);
  const auto settled = world.wait(submitted->transaction);
  EXPECT_EQ(settled.status, Status::settled);
  EXPECT_EQ(world.find(1)->status, Status::settled);
  const auto balances = world.balances("a");
  ASSERT_EQ(balances->size(), 1U);
  EXPECT_EQ(balances->front().posted, 500);
}

TEST(Transactions, OnlyWhatIsFinalIsCached) {
  FaultPlan none;
  World world(none, false);
  const auto submitted = world.submit(Type::deposit, "a", 500, "");
  ASSERT_TRUE(world.find(1).has_value());
  ASSERT_TRUE(world.find(1).has_value());
  EXPECT_EQ(world.cached("hit"), 0);
  World settling(none);
  settling.wait(settling.submit(Type::deposit, "a", 500, "")->transaction);
  ASSERT_TRUE(settling.find(1).has_value());
  ASSERT_TRUE(settling.find(1).has_value());
  EXPECT_EQ(settling.cached("hit"), 1);
}

TEST(Transactions, WhatIsNotThereIsNotFound) {
  FaultPlan none;
  World world(none);
  const auto found = world.find(4711);
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code, ErrorCode::not_found);
}

TEST(Transactions, DrainingAnswersThoseWhoWait) {
  FaultPlan none;
  World world(none, false);
  const auto submitted = world.submit(Type::deposit, "a", 1, "");
  world.drain();
  EXPECT_EQ(world.wait(submitted->transaction).status, Status::pending);
}

TEST(Transactions, SettlementThatGathersHurriesForThoseWhoWait) {
  FaultPlan none;
  World world(none, true, std::chrono::hours(1));
  for (int i = 0; i < 5; ++i) {
    const auto submitted = world.submit(Type::deposit, "a", 1, "");
    EXPECT_EQ(world.wait(submitted->transaction).status, Status::settled);
  }
}

TEST(Transactions, ABadItemSpoilsAnAtomicBatchAndNoOther) {
  FaultPlan none;
  World world(none);
  const auto items = [] {
    std::vector<domain::Answer<Instruction>> list;
    list.emplace_back(World::instruction(Type::deposit, "a", 1, ""));
    list.emplace_back(std::unexpected(domain::Error{ErrorCode::validation_failed, {}}));
    list.emplace_back(World::instruction(Type::deposit, "b", 1, ""));
    return list;
  };
  const auto atomic = world.batch(items(), true);
  EXPECT_EQ(atomic[0].error().code, ErrorCode::group_refused);
  EXPECT_EQ(atomic[1].error().code, ErrorCode::validation_failed);
  EXPECT_EQ(atomic[2].error().code, ErrorCode::group_refused);
  const auto single = world.batch(items(), false);
  EXPECT_EQ(single[0]->transaction.id, 1);
  EXPECT_EQ(single[1].error().code, ErrorCode::validation_failed);
  EXPECT_EQ(single[2]->transaction.id, 2);
}

// Submits a transaction, and retries it with the same key until its outcome is known.
domain::Answer<Submitted> insist(World& world, Type type, const std::string& user, std::int64_t amount,
                                 const std::string& key, const std::optional<std::string>& to = std::nullopt) {
  for (int attempt = 0; attempt < 10; ++attempt) {
    auto answer = world.submit(type, user, amount, key, to);
    if (answer) return answer;
    const ErrorCode code = answer.error().code;
    EXPECT_TRUE(code == ErrorCode::store_unavailable || code == ErrorCode::outcome_unknown) << slug(code);
  }
  ADD_FAILURE() << "no answer";
  return std::unexpected(domain::Error{ErrorCode::internal_error, {}});
}

// Fails the Nth call of the store for N = 0, 1, 2, ... until a whole story goes through without reaching it. Whatever
// fails, every key is one transaction, everything settles once, and the money adds up.
void tell_the_story(FaultPlan& plan) {
  World world(plan);
  const auto in = insist(world, Type::deposit, "a", 1'000, "k1");
  const auto over = insist(world, Type::transfer, "a", 300, "k2", "b");
  const auto out = insist(world, Type::withdrawal, "b", 100, "k3");
  const auto too_much = insist(world, Type::withdrawal, "b", 201, "k4");
  ASSERT_TRUE(in && over && out && too_much);
  EXPECT_EQ(in->transaction.id, 1);
  EXPECT_EQ(too_much->transaction.id, 4);
  EXPECT_EQ(world.wait(too_much->transaction).failure, domain::Failure::insufficient_funds);
  EXPECT_EQ(world.wait(out->transaction).status, Status::settled);
  const auto balance_of = [&](const std::string& user) {
    for (int attempt = 0; attempt < 3; ++attempt) {
      if (const auto balances = world.balances(user)) return balances->front().posted;
    }
    return std::int64_t{-1};
  };
  EXPECT_EQ(balance_of("a"), 700);
  EXPECT_EQ(balance_of("b"), 200);
}

TEST(Transactions, AnyCallOfTheStoreMayFail) {
  for (const auto kind : {FaultPlan::Kind::unavailable, FaultPlan::Kind::answer_lost}) {
    bool reached = true;
    for (int n = 0; reached; ++n) {
      SCOPED_TRACE("call " + std::to_string(n));
      FaultPlan plan;
      plan.fail_at = n;
      plan.kind = kind;
      tell_the_story(plan);
      reached = plan.reached();
      // The loop that polls calls the store for ever; a story that is over well before is enough.
      if (n > 40) break;
    }
  }
}

}  // namespace
}  // namespace tps::service
