#include "ops/process.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

namespace tps::ops {
namespace {

using std::filesystem::path;

std::string text_of(const path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{}) return std::nullopt;
  return value;
}

// The number after `name` and blanks, in a file of such lines.
std::optional<std::uint64_t> number_after(const std::string& text, std::string_view name) {
  const std::size_t at = text.find(name);
  if (at == std::string::npos) return std::nullopt;
  const std::size_t digits = text.find_first_not_of(" \t", at + name.size());
  return digits == std::string::npos ? std::nullopt : number(std::string_view(text).substr(digits));
}

// Field `index` of /proc/self/stat, counted from the process's state. The name before it may hold blanks and brackets.
std::optional<std::uint64_t> stat_field(const std::string& stat, std::size_t index) {
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string field;
  for (std::size_t i = 0; i <= index; ++i) {
    if (!(fields >> field)) return std::nullopt;
  }
  return number(field);
}

std::optional<double> cpu_seconds(const std::string& stat) {
  const auto user = stat_field(stat, 11);
  const auto system = stat_field(stat, 12);
  if (!user || !system) return std::nullopt;
  return static_cast<double>(*user + *system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::optional<double> resident_bytes(const std::string& stat) {
  const auto pages = stat_field(stat, 21);
  if (!pages) return std::nullopt;
  return static_cast<double>(*pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

std::optional<double> open_descriptors(const path& folder) {
  std::error_code fault;
  std::filesystem::directory_iterator entry(folder, fault);
  double count = -1;  // the iterator's own
  for (const std::filesystem::directory_iterator end; !fault && entry != end; entry.increment(fault)) ++count;
  if (fault) return std::nullopt;
  return std::max(count, 0.0);
}

std::optional<double> max_descriptors(const path& self) {
  const auto limit = number_after(text_of(self / "limits"), "Max open files");
  return limit ? std::optional(static_cast<double>(*limit)) : std::nullopt;
}

std::optional<double> memory_limit_bytes(const path& root) {
  constexpr std::string_view kVersion2 = "0::/";
  std::uint64_t limit = number_after(text_of(root / "proc/meminfo"), "MemTotal:").value_or(0) * 1024;
  std::istringstream groups(text_of(root / "proc/self/cgroup"));
  for (std::string line; std::getline(groups, line);) {
    if (!line.starts_with(kVersion2)) continue;
    const auto group = number(text_of(root / "sys/fs/cgroup" / line.substr(kVersion2.size()) / "memory.max"));
    if (group && (limit == 0 || *group < limit)) limit = *group;
  }
  return limit == 0 ? std::nullopt : std::optional(static_cast<double>(limit));
}

}  // namespace

std::vector<prometheus::MetricFamily> process_metrics(const path& root) {
  using Type = prometheus::MetricType;
  std::vector<prometheus::MetricFamily> families;
  const auto add = [&families](const char* name, const char* help, Type type, std::optional<double> value) {
    if (!value) return;
    prometheus::ClientMetric metric;
    (type == Type::Counter ? metric.counter.value : metric.gauge.value) = *value;
    families.push_back({name, help, type, {metric}});
  };
  const path self = root / "proc/self";
  const std::string stat = text_of(self / "stat");
  add("process_cpu_seconds_total", "Processor time used, by the user and the system.", Type::Counter,
      cpu_seconds(stat));
  add("process_resident_memory_bytes", "Memory that is resident.", Type::Gauge, resident_bytes(stat));
  add("process_open_fds", "Open file descriptors.", Type::Gauge, open_descriptors(self / "fd"));
  add("process_max_fds", "Most file descriptors that may be open.", Type::Gauge, max_descriptors(self));
  add("tps_memory_limit_bytes", "Memory that the process may have: of its control group, or else the machine's.",
      Type::Gauge, memory_limit_bytes(root));
  return families;
}

}  // namespace tps::ops
