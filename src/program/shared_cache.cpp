#include "program/shared_cache.hpp"

#include <fmt/format.h>

#include <chrono>

#include "adapters/redis/cache.hpp"
#include "adapters/redis/tls.hpp"

namespace tps {
namespace {

constexpr std::chrono::seconds kPatience{1};

}  // namespace

std::expected<void, std::string> check_shared_cache(const Settings& settings) {
  if (!settings.redis) return {};
  if (const auto usable = redis::Tls(*settings.redis).check(); !usable) {
    return std::unexpected("redis-ca-file: " + usable.error());
  }
  return {};
}

std::expected<std::unique_ptr<ports::Cache>, std::string> make_shared_cache(const Settings& settings,
                                                                            const ports::StoreIdentity& store,
                                                                            ops::Metrics& metrics) {
  if (!settings.redis) return nullptr;
  if (store.cache_secret.empty()) {
    return std::unexpected("redis-url: this login may not read the cache's secret; make it a member of tps_api");
  }
  return std::make_unique<redis::Cache>(*settings.redis, store, metrics);
}

std::string describe_shared_cache(const Settings& settings, ports::Cache* cache) {
  if (cache == nullptr) return "none";
  const auto trouble = cache->trouble(std::chrono::steady_clock::now() + kPatience);
  return fmt::format("{}:{} ({})", settings.redis->host, settings.redis->port, trouble.value_or("ready"));
}

}  // namespace tps
