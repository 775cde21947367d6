#include "lanes/lane.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <future>
#include <latch>
#include <semaphore>

#include "ports/fault.hpp"

namespace tps::lanes {
namespace {

using namespace std::chrono_literals;

struct NumberJob : LaneJob {
  int number = 0;
  int answer = 0;
};

// An IO thread.
class Io {
 public:
  Io() : guard_(boost::asio::make_work_guard(context_)), thread_([this] { context_.run(); }) {}
  ~Io() {
    guard_.reset();
    thread_.join();
  }
  // Submits number and gives what it comes to: the answer, or the verdict.
  std::future<std::pair<LaneVerdict, int>> submit(Lane& lane, int number, ports::Deadline deadline = soon(),
                                                  std::size_t weight = 1) {
    auto promise = std::make_shared<std::promise<std::pair<LaneVerdict, int>>>();
    auto future = promise->get_future();
    boost::asio::co_spawn(
        context_,
        [](Lane& to, int value, ports::Deadline until, std::size_t heavy, auto done) -> boost::asio::awaitable<void> {
          NumberJob job;
          job.number = value;
          const LaneVerdict verdict = co_await to.submit(job, until, heavy);
          done->set_value({verdict, job.answer});
        }(lane, number, deadline, weight, promise),
        boost::asio::detached);
    return future;
  }
  static ports::Deadline soon() { return std::chrono::steady_clock::now() + 1min; }

 private:
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  std::thread thread_;
};

// A flight that waits for permission, so that a test decides when the lane is busy.
struct Gate {
  std::binary_semaphore entered{0};
  std::counting_semaphore<100> permits{0};
  std::vector<std::size_t> sizes{};  // of flights; read after they have landed
  std::vector<int> order{};

  void fly(std::span<LaneJob* const> jobs) {
    entered.release();
    permits.acquire();
    sizes.push_back(jobs.size());
    for (LaneJob* const base : jobs) {
      auto& job = static_cast<NumberJob&>(*base);
      order.push_back(job.number);
      job.answer = job.number * 2;
    }
  }
};

Lane::Fly through(Gate& gate) {
  return [&gate](std::span<LaneJob* const> jobs, ports::Deadline) { gate.fly(jobs); };
}

TEST(Lane, WhatGathersDuringAFlightIsTheNextFlightInOrder) {
  ops::Metrics metrics;
  Gate gate;
  Io io;
  Lane lane({.name = "test"}, metrics, through(gate));
  auto first = io.submit(lane, 0);
  gate.entered.acquire();
  std::vector<std::future<std::pair<LaneVerdict, int>>> rest;
  for (int i = 1; i <= 50; ++i) rest.push_back(io.submit(lane, i));
  // The IO thread takes posts in order: when this one has run, all before it are queued.
  Lane other({.name = "other"}, metrics, [](auto, ports::Deadline) {});
  io.submit(other, 0).get();
  gate.permits.release(2);
  EXPECT_EQ(first.get(), std::pair(LaneVerdict::done, 0));
  for (int i = 1; i <= 50; ++i) {
    EXPECT_EQ(rest[static_cast<std::size_t>(i) - 1].get(), std::pair(LaneVerdict::done, i * 2));
  }
  EXPECT_EQ(gate.sizes, (std::vector<std::size_t>{1, 50}));
  EXPECT_TRUE(std::ranges::is_sorted(gate.order));
}

TEST(Lane, RefusesAtOnceWhatDoesNotFit) {
  ops::Metrics metrics;
  Gate gate;
  Io io;
  Lane lane({.name = "test", .capacity = 2}, metrics, through(gate));
  auto flying = io.submit(lane, 1);
  gate.entered.acquire();
  auto waiting = io.submit(lane, 2);
  auto too_heavy = io.submit(lane, 3, Io::soon(), 2);
  auto waiting_too = io.submit(lane, 4);
  auto refused = io.submit(lane, 5);
  EXPECT_EQ(too_heavy.get().first, LaneVerdict::full);
  EXPECT_EQ(refused.get().first, LaneVerdict::full);
  gate.permits.release(2);
  EXPECT_EQ(waiting.get().first, LaneVerdict::done);
  EXPECT_EQ(waiting_too.get().first, LaneVerdict::done);
  EXPECT_EQ(flying.get().first, LaneVerdict::done);
  EXPECT_EQ(metrics.lane("test").shed_full.Value(), 2);
}

TEST(Lane, TakesAtMostAFlightfulByWeight) {
  ops::Metrics metrics;
  Gate gate;
  Io io;
  Lane lane({.name = "test", .capacity = 100, .max_flight = 4}, metrics, through(gate));
  auto flying = io.submit(lane, 0);
  gate.entered.acquire();
  std::vector<std::future<std::pair<LaneVerdict, int>>> rest;
  for (const std::size_t weight : {3UL, 2UL, 2UL, 9UL, 1UL}) rest.push_back(io.submit(lane, 1, Io::soon(), weight));
  Lane other({.name = "other"}, metrics, [](auto, ports::Deadline) {});
  io.submit(other, 0).get();
  gate.permits.release(5);
  EXPECT_EQ(flying.get().first, LaneVerdict::done);
  for (auto& one : rest) EXPECT_EQ(one.get().first, LaneVerdict::done);
  EXPECT_EQ(gate.sizes, (std::vector<std::size_t>{1, 1, 2, 1, 1}));
}

TEST(Lane, DropsWhatHasTooLittleTimeLeftBeforeItRuns) {
  ops::Metrics metrics;
  std::atomic<int> flown = 0;
  Io io;
  Lane lane({.name = "test", .budget = 1'000ms}, metrics, [&](std::span<LaneJob* const>, ports::Deadline) { ++flown; });
  EXPECT_EQ(io.submit(lane, 1, std::chrono::steady_clock::now() + 10ms).get().first, LaneVerdict::expired);
  EXPECT_EQ(flown, 0);
  EXPECT_EQ(io.submit(lane, 1).get().first, LaneVerdict::done);
}

TEST(Lane, AnswersWhatExpiresWhileAFlightIsLong) {
  ops::Metrics metrics;
  Gate gate;
  Io io;
  Lane lane({.name = "test", .budget = 10ms}, metrics, through(gate));
  auto flying = io.submit(lane, 1);
  gate.entered.acquire();
  // The flight does not end; still the one that waits gets its answer.
  EXPECT_EQ(io.submit(lane, 2, std::chrono::steady_clock::now() + 50ms).get().first, LaneVerdict::expired);
  gate.permits.release();
  EXPECT_EQ(flying.get().first, LaneVerdict::done);
}

TEST(Lane, StopAnswersEverybody) {
  ops::Metrics metrics;
  Gate gate;
  Io io;
  Lane lane({.name = "test"}, metrics, through(gate));
  auto flying = io.submit(lane, 1);
  gate.entered.acquire();
  auto waiting = io.submit(lane, 2);
  auto stopped = std::async(std::launch::async, [&] { lane.stop(); });
  EXPECT_EQ(waiting.get().first, LaneVerdict::stopped);
  gate.permits.release();
  EXPECT_EQ(flying.get().first, LaneVerdict::done);
  stopped.get();
  EXPECT_EQ(io.submit(lane, 3).get().first, LaneVerdict::stopped);
}

TEST(Lane, LooksAfterItselfWhileNothingWaits) {
  Io io;
  ops::Metrics metrics;
  std::counting_semaphore<100> looked{0};
  Lane lane(
      {.name = "test"}, metrics,
      [](std::span<LaneJob* const> jobs, ports::Deadline) {
        for (LaneJob* const job : jobs) static_cast<NumberJob&>(*job).answer = 7;
      },
      [&](ports::Deadline) { looked.release(); });
  looked.acquire();
  EXPECT_EQ(io.submit(lane, 1).get(), (std::pair{LaneVerdict::done, 7}));
  looked.acquire();
  looked.acquire();
}

TEST(Lane, EachWaiterResumesOnItsOwnThread) {
  ops::Metrics metrics;
  std::array<boost::asio::io_context, 3> contexts;  // outlive the lane, which posts to them
  Lane lane({.name = "test"}, metrics, [](std::span<LaneJob* const> jobs, ports::Deadline) {
    for (LaneJob* const job : jobs) static_cast<NumberJob&>(*job).answer = 7;
  });
  std::vector<std::thread> threads;
  threads.reserve(contexts.size());
  for (boost::asio::io_context& context : contexts) {
    threads.emplace_back([&lane, &context] {
      std::thread::id resumed_on;
      boost::asio::co_spawn(
          context,
          [](Lane& to, std::thread::id& where) -> boost::asio::awaitable<void> {
            NumberJob job;
            co_await to.submit(job, Io::soon());
            where = std::this_thread::get_id();
            EXPECT_EQ(job.answer, 7);
          }(lane, resumed_on),
          boost::asio::detached);
      context.run();
      EXPECT_EQ(resumed_on, std::this_thread::get_id());
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace tps::lanes
