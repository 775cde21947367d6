#include "program/shared_cache.hpp"

#include "adapters/redis/cache.hpp"
#include "adapters/redis/tls.hpp"

namespace tps {

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

}  // namespace tps
