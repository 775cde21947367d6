#include "ops/log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <exception>
#include <regex>
#include <string>
#include <thread>
#include <vector>

namespace tps::ops {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::KilledBySignal;

milliseconds since(steady_clock::time_point start) {
  return std::chrono::duration_cast<milliseconds>(steady_clock::now() - start);
}

// stderr is a pipe, which the test reads when it wants to.
class LogTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(pipe2(ends_, O_CLOEXEC), 0);
    saved_ = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    dup2(ends_[1], STDERR_FILENO);
    fcntl(ends_[0], F_SETFL, O_NONBLOCK);
    set_up_log(Level::debug, LogFormat::json);
  }
  void TearDown() override {
    dup2(saved_, STDERR_FILENO);
    for (const int one : {saved_, ends_[0], ends_[1]}) close(one);
    set_up_log(Level::warn, LogFormat::automatic);
  }

  // Everything that is there now.
  [[nodiscard]] std::string read_all() const {
    std::string text;
    char buffer[4096];
    for (ssize_t n = 0; (n = read(ends_[0], buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(n));
    return text;
  }

  void fill_pipe() const {
    fcntl(ends_[1], F_SETFL, O_NONBLOCK);
    while (write(ends_[1], "x", 1) == 1) continue;
    fcntl(ends_[1], F_SETFL, 0);
  }

  // Reads until `wanted` is there, or 30 seconds.
  [[nodiscard]] std::string read_until(const std::string& wanted) const {
    const auto start = steady_clock::now();
    std::string text;
    while (text.find(wanted) == std::string::npos && since(start) < milliseconds(30'000)) {
      text += read_all();
      std::this_thread::sleep_for(milliseconds(1));
    }
    return text;
  }

  int ends_[2]{};
  int saved_ = -1;
};

// The lines of `log(..., "line", {{"n", ...}})`.
std::vector<std::uint64_t> numbers(const std::string& text) {
  static const std::regex kNumber(R"re("n":"([0-9]+)")re");
  std::vector<std::uint64_t> found;
  for (std::sregex_iterator it(text.begin(), text.end(), kNumber), end; it != end; ++it) {
    found.push_back(std::stoull((*it)[1]));
  }
  return found;
}

void log_number(std::uint64_t n) { log(Level::debug, "line", {{"n", std::to_string(n)}}); }

TEST_F(LogTest, JsonIsOneObjectALine) {
  log(Level::warn, "a \"word\"", {{"key", "a\nb"}, {"empty", ""}});
  const std::regex wanted(
      R"re(\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z","level":"warn","message":"a \\"word\\"","key":"a\\u000ab"\}\n)re");
  const std::string line = read_all();
  EXPECT_TRUE(std::regex_match(line, wanted)) << line;
}

TEST_F(LogTest, HumanLines) {
  set_up_log(Level::info, LogFormat::human);
  log(Level::debug, "not shown");
  log(Level::info, "serving", {{"url", "http://x"}});
  const std::string line = read_all();
  EXPECT_TRUE(std::regex_match(line, std::regex(R"(\d\d:\d\d:\d\d\.\d{3} info  serving  url=http://x\n)"))) << line;
}

TEST_F(LogTest, SaysATextAsItIsAndInOrder) {
  {
    const LogThread thread;
    set_up_log(Level::error, LogFormat::json);
    say("tps: one\n\n");
    log(Level::error, "two");
    say("three");
  }
  const std::string text = read_all();
  EXPECT_TRUE(std::regex_match(text, std::regex(R"(tps: one\n\n\{"time".*"two"\}\nthree)"))) << text;
}

TEST_F(LogTest, NothingIsLostWhenItIsRead) {
  const auto before = log_lines_dropped();
  std::vector<std::thread> writers;
  {
    const LogThread thread;
    for (std::uint64_t writer = 0; writer < 4; ++writer) {
      writers.emplace_back([writer] {
        for (std::uint64_t i = 0; i < 100; ++i) log_number(writer * 100 + i);
      });
    }
    for (auto& one : writers) one.join();
  }
  auto seen = numbers(read_all());
  std::ranges::sort(seen);
  ASSERT_EQ(seen.size(), 400U);
  for (std::uint64_t n = 0; n < 400; ++n) EXPECT_EQ(seen[n], n);
  EXPECT_EQ(log_lines_dropped(), before);
}

TEST_F(LogTest, LinesLongerThanAPipesPromiseArriveWhole) {
  const std::string word(30'000, 'w');
  {
    const LogThread thread;
    log(Level::info, word);
  }
  EXPECT_NE(read_all().find(word), std::string::npos);
}

// Three quarters of the 4,096 places are for lines that are not urgent.
TEST_F(LogTest, AStuckReaderStopsNoCallerAndTheGapIsReported) {
  constexpr std::uint64_t kLines = 20'000;
  fill_pipe();
  const LogThread thread;
  const auto before = log_lines_dropped();
  const auto start = steady_clock::now();
  for (std::uint64_t n = 0; n < kLines; ++n) log_number(n);
  EXPECT_LT(since(start), milliseconds(10'000));
  const auto dropped = log_lines_dropped() - before;
  EXPECT_GE(dropped, kLines - 3'072);
  log(Level::error, "an error finds room");

  const std::string text = read_until("log lines were dropped");
  log(Level::info, "the end");
  const std::string rest = read_until("the end");
  EXPECT_NE((text + rest).find("an error finds room"), std::string::npos);
  EXPECT_NE(text.find("\"lines\":\"" + std::to_string(dropped) + "\""), std::string::npos)
      << text.substr(text.size() - 300);
  const auto seen = numbers(text + rest);
  ASSERT_EQ(seen.size(), kLines - dropped);
  for (std::uint64_t n = 0; n < seen.size(); ++n) EXPECT_EQ(seen[n], n) << "the oldest, in order";
  EXPECT_EQ(log_lines_dropped() - before, dropped);
}

// The pipe is ready to be written, with room for a part of the line only.
TEST_F(LogTest, ALongLineBlocksNoEnd) {
  fill_pipe();
  char page[4096];
  ASSERT_EQ(read(ends_[0], page, sizeof page), 4096);
  const auto before = log_lines_dropped();
  {
    const LogThread thread;
    log(Level::info, std::string(30'000, 'w'));
  }
  EXPECT_TRUE(flush_log(milliseconds(0))) << "the thread is stuck in write()";
  EXPECT_EQ(log_lines_dropped() - before, 1U);
}

TEST_F(LogTest, FlushIsBounded) {
  fill_pipe();
  const LogThread thread;
  log(Level::error, "waits");
  const auto start = steady_clock::now();
  EXPECT_FALSE(flush_log(milliseconds(50)));
  EXPECT_GE(since(start), milliseconds(50));
  EXPECT_LT(since(start), milliseconds(5'000));
  EXPECT_NE(read_until("waits").find("waits"), std::string::npos);
  EXPECT_TRUE(flush_log(milliseconds(30'000)));
}

TEST_F(LogTest, TheEndIsBoundedAndLaterWordsDoNotWait) {
  fill_pipe();
  const auto before = log_lines_dropped();
  const auto start = steady_clock::now();
  {
    const LogThread thread;
    for (std::uint64_t n = 0; n < 100; ++n) log_number(n);
  }
  say("tps: lost\n");
  EXPECT_GE(since(start), kLogPatience);
  EXPECT_LT(since(start), kLogPatience + milliseconds(5'000));
  EXPECT_EQ(log_lines_dropped() - before, 101U);
  EXPECT_EQ(read_all().find("line"), std::string::npos);
  say("tps: read again\n");
  EXPECT_EQ(read_all(), "tps: read again\n");
}

TEST_F(LogTest, TheEndWaitsForASlowReader) {
  fill_pipe();
  std::string text;
  std::thread reader([&] {
    std::this_thread::sleep_for(milliseconds(200));
    text = read_until("last words");
  });
  {
    const LogThread thread;
    say("last words");
  }
  reader.join();
  EXPECT_NE(text.find("last words"), std::string::npos);
}

TEST_F(LogTest, AClosedReaderCostsTheLinesOnly) {
  const auto handler = std::signal(SIGPIPE, SIG_IGN);
  const auto before = log_lines_dropped();
  close(ends_[0]);
  ends_[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
  {
    const LogThread thread;
    for (std::uint64_t n = 0; n < 10; ++n) log_number(n);
  }
  static_cast<void>(std::signal(SIGPIPE, handler));
  EXPECT_EQ(log_lines_dropped() - before, 10U);
}

TEST_F(LogTest, TheThreadTakesNoSignals) {
  const LogThread thread;
  sigset_t usr1;
  sigset_t before;
  sigemptyset(&usr1);
  sigaddset(&usr1, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &usr1, &before);
  kill(getpid(), SIGUSR1);  // ends the process if any thread takes it
  log(Level::info, "alive");
  EXPECT_TRUE(flush_log(milliseconds(30'000)));
  int taken = 0;
  sigwait(&usr1, &taken);
  EXPECT_EQ(taken, SIGUSR1);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(LogDeathTest, LinesThatWaitAreWrittenBeforeTerminate) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        set_up_log(Level::debug, LogFormat::json);
        const LogThread thread;
        for (std::uint64_t n = 0; n < 100; ++n) log_number(n);
        std::terminate();
      },
      KilledBySignal(SIGABRT), R"("n":"99")");
}

}  // namespace
}  // namespace tps::ops
