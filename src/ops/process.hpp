// Metrics of this process from the operating system, under the names of the official Prometheus clients, and the limit
// of its memory.
#pragma once

#include <prometheus/metric_family.h>

#include <filesystem>
#include <vector>

namespace tps::ops {

// As it is now; what cannot be read is left out. `root`: where /proc and /sys are found.
//   process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds, process_max_fds
//   tps_memory_limit_bytes: of the control group (version 2), or else the machine's memory
std::vector<prometheus::MetricFamily> process_metrics(const std::filesystem::path& root = "/");

}  // namespace tps::ops
