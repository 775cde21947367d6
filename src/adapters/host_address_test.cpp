#include "adapters/host_address.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

namespace tps::adapters {
namespace {

using namespace std::chrono_literals;

HostAddress::Deadline in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

// A system that answers when it is told to, each time with the next of its answers.
class SlowSystem {
 public:
  explicit SlowSystem(std::vector<HostAddress::Found> answers) : answers_(std::move(answers)) {}

  HostAddress::LookUp look_up() {
    return [this](const std::string&, const std::string&) {
      may_answer_.wait();
      return answers_.at(static_cast<std::size_t>(answered_++));
    };
  }
  void answer() { allow_.set_value(); }
  [[nodiscard]] int answered() const { return answered_; }

 private:
  const std::vector<HostAddress::Found> answers_;
  std::promise<void> allow_;
  const std::shared_future<void> may_answer_ = allow_.get_future().share();
  std::atomic<int> answered_ = 0;
};

const HostAddress::Found kNobody = std::unexpected("db: no such name");
const HostAddress::Found kThere = std::vector<SocketAddress>(1);

TEST(HostAddress, TakesWhatAnEarlierCallDidNotWaitFor) {
  SlowSystem system({kThere});
  HostAddress host("db", 5432, system.look_up());
  EXPECT_FALSE(host.find(in(5ms)));
  system.answer();
  EXPECT_TRUE(host.find(in(10s)));
  EXPECT_EQ(system.answered(), 1);
}

TEST(HostAddress, AsksAgainWhenThereWasNobodyThen) {
  SlowSystem system({kNobody, kThere});
  HostAddress host("db", 5432, system.look_up());
  EXPECT_FALSE(host.find(in(5ms)));
  system.answer();
  while (system.answered() == 0) std::this_thread::yield();
  // The look-up's thread may still be about to tell; its answer must not be taken then either.
  const auto found = host.find(in(10s));
  EXPECT_TRUE(found || system.answered() == 1);
  if (!found) {
    EXPECT_TRUE(host.find(in(10s)));
  }
}

TEST(HostAddress, AsksBesideOneThatHangs) {
  std::promise<void> end;
  std::atomic<int> asked = 0;
  HostAddress host("db", 5432, [&, ended = end.get_future().share()](const std::string&, const std::string&) {
    if (asked++ == 0) ended.wait();
    return kThere;
  });
  EXPECT_TRUE(host.find(in(10s)));
  EXPECT_GE(asked, 2);
  end.set_value();
}

TEST(HostAddress, AsksNoMoreThanFewAtATime) {
  std::promise<void> end;
  std::atomic<int> asked = 0;
  std::atomic<int> answered = 0;
  {
    HostAddress host("db", 5432, [&, ended = end.get_future().share()](const std::string&, const std::string&) {
      ++asked;
      ended.wait();
      ++answered;
      return kNobody;
    });
    EXPECT_FALSE(host.find(in(2500ms)));
  }
  EXPECT_EQ(asked, 4);
  end.set_value();
  while (answered != asked) std::this_thread::yield();
}

}  // namespace
}  // namespace tps::adapters
