// What each route does: decode, one call of the service, encode.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "auth/gate.hpp"
#include "auth/login.hpp"
#include "auth/rate_limiter.hpp"
#include "domain/currency.hpp"
#include "http/headers/message.hpp"
#include "ops/metrics.hpp"
#include "service/transactions.hpp"

namespace tps::http {

// nullopt when this instance can serve, else the reason; "draining" is answered as such. Asked on IO threads, so it
// must not block.
using Readiness = std::function<std::optional<std::string>()>;

struct ApiOptions {
  std::chrono::milliseconds request_timeout{10'000};
  std::chrono::seconds max_wait{30};  // of Prefer: wait
  std::size_t max_batch_items = 10'000;
  std::size_t max_atomic_items = 1'000;
};

// Who may call, and how often. What is null is not asked: without a gate everyone is welcome and anonymous.
struct Access {
  auth::Gate* gate = nullptr;
  auth::Login* login = nullptr;
  auth::RateLimiter* per_principal = nullptr;
  auth::RateLimiter* per_address = nullptr;
  // Where nobody is asked because only this machine can reach it, its browsers must not ask for others.
  bool this_machine_only = false;
};

// What the handlers work with.
struct Services {
  ApiOptions options;
  Access access{};
  service::Transactions* transactions = nullptr;  // worker_routes() need none
  const domain::Currencies& currencies;
  ops::Metrics& metrics;
  Readiness readiness;
};

// The segments of a path that stand for the {parameters} of its template, in their order, not decoded.
inline constexpr std::size_t kMaxParameters = 2;
using Parameters = std::array<std::string_view, kMaxParameters>;

// One request on its way through a route. All of it outlives the handler's coroutine.
struct Call {
  const Services& services;
  const Request& request;
  const domain::Caller& caller;
  const Parameters parameters;
};

using ResponseTask = boost::asio::awaitable<Response>;

ResponseTask create_transaction(Call call);
ResponseTask create_batch(Call call);
ResponseTask get_transaction(Call call);
ResponseTask list_transactions(Call call);
ResponseTask capture_transaction(Call call);
ResponseTask void_transaction(Call call);
ResponseTask reverse_transaction(Call call);
ResponseTask get_balances(Call call);
ResponseTask get_statement(Call call);
ResponseTask put_account(Call call);
ResponseTask create_token(Call call);

Response health(const Call& call);
Response readiness(const Call& call);
Response metrics(const Call& call);
Response page(const Call& call);

}  // namespace tps::http
