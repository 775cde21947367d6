// The services that the handlers use, and the options of the API.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>

#include "domain/currency.hpp"
#include "http/api/admission.hpp"
#include "ops/metrics.hpp"
#include "service/readiness.hpp"
#include "service/transactions.hpp"

namespace tps::http {

// nullopt when this instance can serve, else the reason. Called on IO threads, so it must not block.
using Readiness = std::function<std::optional<service::NotReady>()>;

struct ApiOptions {
  std::chrono::milliseconds request_timeout{10'000};
  std::chrono::seconds max_wait{30};  // of Prefer: wait
  std::size_t max_batch_items = 10'000;
  std::size_t max_atomic_items = 1'000;
};

struct Services {
  ApiOptions options;
  Access access{};
  service::Transactions* transactions = nullptr;  // worker_routes() need none
  const domain::Currencies& currencies;
  ops::Metrics& metrics;
  Readiness readiness;
};

}  // namespace tps::http
