// tps-load: see --help. Prints one line of JSON; exit code 0 = ran to its end, 1 = could not, 2 = bad options.
#include <sys/resource.h>

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <span>
#include <string>
#include <string_view>

#include "loop.hpp"
#include "options.hpp"

namespace {

using tps::bench::Figures;
using tps::bench::Histogram;

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// One socket for each connection, and a few more files.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void print_latency(std::string_view name, const Histogram& latency) {
  const auto us = [](std::uint64_t ns) { return static_cast<double>(ns) / 1e3; };
  std::cout << "\"" << name << R"(":{"mean":)" << latency.mean() / 1e3 << R"(,"p50":)" << us(latency.at(0.5))
            << R"(,"p90":)" << us(latency.at(0.9)) << R"(,"p99":)" << us(latency.at(0.99)) << R"(,"p999":)"
            << us(latency.at(0.999)) << R"(,"max":)" << us(latency.max()) << "}";
}

void print(const Figures& figures) {
  std::uint64_t answers = 0;
  std::uint64_t ok = 0;
  std::string statuses;
  for (std::size_t status = 0; status < figures.by_status.size(); ++status) {
    const std::uint64_t count = figures.by_status[status];
    if (count == 0) continue;
    answers += count;
    if (status / 100 == 2) ok += count;
    statuses += (statuses.empty() ? "\"" : ",\"") + std::to_string(status) + "\":" + std::to_string(count);
  }
  const double seconds = std::max(figures.seconds, 1e-9);
  std::cout << std::fixed << std::setprecision(3) << R"({"seconds":)" << figures.seconds << R"(,"answers":)" << answers
            << R"(,"ok":)" << ok << R"(,"rate":)" << static_cast<double>(ok) / seconds << R"(,"stored":)"
            << figures.stored << R"(,"stored_rate":)" << static_cast<double>(figures.stored) / seconds
            << R"(,"stored_total":)" << figures.stored_total << R"(,"status":{)" << statuses << R"(},"broken":)"
            << figures.broken << R"(,"malformed":)" << figures.malformed << R"(,"unanswered":)" << figures.unanswered
            << R"(,"unsent":)" << figures.unsent << R"(,"given_up":)" << figures.given_up << R"(,"unexplained":)"
            << figures.unexplained << R"(,"cpu_seconds":)" << cpu_seconds() << ",";
  print_latency("latency_us", figures.latency);
  std::cout << ",";
  print_latency("ok_latency_us", figures.ok_latency);
  std::cout << "}\n";
}

}  // namespace

int main(int argc, char** argv) {
  const std::span<const char* const> all(argv, static_cast<std::size_t>(argc));
  const auto arguments = all.subspan(std::min<std::size_t>(all.size(), 1));
  const std::string_view first = arguments.empty() ? "" : arguments.front();
  if (first == "--help" || first == "-h") {
    std::cout << tps::bench::kUsage;
    return 0;
  }
  const auto options = tps::bench::parse_options(arguments);
  if (!options) {
    std::cerr << "tps-load: " << options.error() << "\n\n" << tps::bench::kUsage;
    return 2;
  }
  raise_file_limit();
  tps::bench::Loop loop(*options);
  const auto figures = loop.run();
  if (!figures) {
    std::cerr << "tps-load: " << figures.error() << "\n";
    return 1;
  }
  print(*figures);
  return 0;
}
