// The cache in Redis that all instances share, where one is configured.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "ops/metrics.hpp"
#include "ports/cache.hpp"
#include "ports/store.hpp"
#include "program/settings.hpp"

namespace tps {

// Whether its CA certificates can be read. The error begins with a setting's name.
std::expected<void, std::string> check_shared_cache(const Settings& settings);

// Null where none is configured. Connects on first use; `metrics` must outlive it. The error, which begins with a
// setting's name: the login may not read the secret that signs the entries.
std::expected<std::unique_ptr<ports::Cache>, std::string> make_shared_cache(const Settings& settings,
                                                                            const ports::StoreIdentity& store,
                                                                            ops::Metrics& metrics);

// For people: where the cache is, without the login, and whether it can be used; "none" without one. Asks it, for a
// second at most.
std::string describe_shared_cache(const Settings& settings, ports::Cache* cache);

}  // namespace tps
