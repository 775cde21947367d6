#include "ops/process.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace tps::ops {
namespace {

namespace fs = std::filesystem;

std::map<std::string, double> values(const fs::path& root = "/") {
  std::map<std::string, double> found;
  for (const auto& family : process_metrics(root)) {
    const auto& metric = family.metric.at(0);
    found[family.name] = family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value;
  }
  return found;
}

// A root folder with what the test writes into it.
class ProcessTest : public testing::Test {
 protected:
  void SetUp() override { fs::remove_all(root_); }
  void TearDown() override { fs::remove_all(root_); }

  void write(const fs::path& file, const std::string& text) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }

  const fs::path root_ = fs::temp_directory_path() / ("tps-process-" + std::to_string(getpid()));
};

TEST_F(ProcessTest, KnowsThisProcess) {
  auto now = values();
  ASSERT_EQ(now.size(), 5U);
  EXPECT_GT(now["process_resident_memory_bytes"], 1e6);
  EXPECT_GT(now["tps_memory_limit_bytes"], now["process_resident_memory_bytes"]);
  EXPECT_GE(now["process_open_fds"], 3);
  EXPECT_GT(now["process_max_fds"], now["process_open_fds"]);
  const std::ifstream one_more("/dev/null");
  EXPECT_EQ(values()["process_open_fds"], now["process_open_fds"] + 1);
}

TEST_F(ProcessTest, LeavesOutWhatCannotBeRead) { EXPECT_TRUE(values(root_).empty()); }

TEST_F(ProcessTest, ReadsStatBehindAnyName) {
  write("proc/self/stat", "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 300 200 13 14 15 16 17 18 19 20 1000 22\n");
  auto found = values(root_);
  EXPECT_EQ(found["process_cpu_seconds_total"], 500.0 / static_cast<double>(sysconf(_SC_CLK_TCK)));
  EXPECT_EQ(found["process_resident_memory_bytes"], 1000.0 * static_cast<double>(sysconf(_SC_PAGESIZE)));
}

TEST_F(ProcessTest, MemoryLimit) {
  write("proc/meminfo", "MemTotal:        1000 kB\nMemFree:  10 kB\n");
  EXPECT_EQ(values(root_)["tps_memory_limit_bytes"], 1'024'000) << "the machine's";
  write("proc/self/cgroup", "4:memory:/elsewhere\n0::/pods/one\n");
  write("sys/fs/cgroup/pods/one/memory.max", "max\n");
  EXPECT_EQ(values(root_)["tps_memory_limit_bytes"], 1'024'000) << "the group has none";
  write("sys/fs/cgroup/pods/one/memory.max", "4096\n");
  EXPECT_EQ(values(root_)["tps_memory_limit_bytes"], 4096) << "the group's";
  write("sys/fs/cgroup/pods/one/memory.max", "2048000\n");
  EXPECT_EQ(values(root_)["tps_memory_limit_bytes"], 1'024'000) << "more than there is";
}

}  // namespace
}  // namespace tps::ops
