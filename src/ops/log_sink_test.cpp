#include "ops/log_sink.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace tps::ops {
namespace {

// With a LogThread a report is a line for that thread. Without one it is written within the call that found the gap.
TEST(LogSinkTest, AReportMayLog) {
  int ends[2]{};
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  std::shared_ptr<LogSink> sink;
  const auto write = [&sink](const std::string& text) {
    sink->log(spdlog::details::log_msg(LogSink::kPlain, spdlog::level::warn, text));
  };
  sink = std::make_shared<LogSink>(ends[1], BacklogLimits{.lines = 4, .bytes = 100}, [&](std::uint64_t lines) {
    const std::string text = "dropped " + std::to_string(lines) + "\n";
    ASSERT_TRUE(sink->backlog().enter(text.size(), true));
    write(text);
  });
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(sink->backlog().enter(2, true));
  ASSERT_FALSE(sink->backlog().enter(2, true));
  for (const char* text : {"a\n", "b\n", "c\n", "d\n"}) write(text);
  EXPECT_TRUE(sink->backlog().wait_until_empty(std::chrono::milliseconds(0)));
  char text[100];
  const auto size = read(ends[0], text, sizeof text);
  ASSERT_GT(size, 0);
  EXPECT_EQ(std::string(text, static_cast<std::size_t>(size)), "a\nb\ndropped 1\nc\nd\n");
  for (const int one : ends) close(one);
}

}  // namespace
}  // namespace tps::ops
