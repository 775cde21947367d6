#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "adapters/redis/cache.hpp"
#include "commands/commands.hpp"
#include "http/api/api.hpp"
#include "http/server/server.hpp"
#include "lanes/lane.hpp"
#include "ops/log.hpp"
#include "ops/metrics.hpp"
#include "ports/store.hpp"
#include "program/authentication.hpp"
#include "program/engine.hpp"
#include "program/exit.hpp"
#include "program/settling.hpp"
#include "program/signals.hpp"
#include "program/startup.hpp"
#include "service/flights.hpp"
#include "service/local_cache.hpp"
#include "service/readiness.hpp"
#include "service/transactions.hpp"
#include "service/waiters.hpp"

namespace tps {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFlightBudget{3'000};
constexpr milliseconds kCacheFlightBudget{20};

std::expected<std::unique_ptr<redis::Cache>, std::string> make_shared_cache(const Config& config,
                                                                            const ports::StoreIdentity& store,
                                                                            ops::Metrics& metrics) {
  if (config.text("redis-url").empty()) return nullptr;
  auto options = redis::parse_redis_url(config.text("redis-url"));
  if (!options) return std::unexpected("redis-url: " + options.error());
  if (store.cache_secret.empty()) {
    return std::unexpected("redis-url: this login may not read the cache's secret; make it a member of tps_api");
  }
  options->ca_file = config.text("redis-ca-file");
  if (const auto usable = redis::Tls(*options).check(); !usable) {
    return std::unexpected("redis-ca-file: " + usable.error());
  }
  return std::make_unique<redis::Cache>(*options, store, metrics);
}

std::size_t max_flight(const Config& config) { return static_cast<std::size_t>(config.number("max-flight")); }

lanes::LaneOptions lane_options(const char* name, const Config& config, const char* capacity, std::size_t flight) {
  return {.name = name,
          .capacity = static_cast<std::size_t>(config.number(capacity)),
          .max_flight = flight,
          .budget = kFlightBudget};
}

// The lanes, and the sessions that they fly on.
struct Lanes {
  Lanes(const Config& config, const Engine& engine, redis::Cache* shared_cache, std::function<void()> accepted,
        ops::Metrics& metrics)
      : submit_session(engine.session()),
        read_session(engine.session()),
        balance_session(engine.session()),
        query_session(engine.session()),
        submit(lane_options("submit", config, "submit-queue", max_flight(config)), metrics,
               service::submit_flight(*submit_session, now, std::move(accepted), metrics)),
        read(lane_options("read", config, "read-queue", max_flight(config)), metrics,
             service::find_flight(*read_session, metrics)),
        balance(lane_options("balance", config, "query-queue", 1), metrics, service::query_flight(*balance_session)),
        query(lane_options("query", config, "query-queue", 1), metrics, service::query_flight(*query_session)) {
    if (shared_cache == nullptr) return;
    cache.emplace(lanes::LaneOptions{.name = "cache", .budget = kCacheFlightBudget}, metrics,
                  service::cache_flight(*shared_cache));
  }
  void stop() {
    submit.stop();
    read.stop();
    balance.stop();
    query.stop();
    if (cache) cache->stop();
  }

  const std::unique_ptr<ports::Store> submit_session;
  const std::unique_ptr<ports::Store> read_session;
  const std::unique_ptr<ports::Store> balance_session;
  const std::unique_ptr<ports::Store> query_session;
  lanes::Lane submit;
  lanes::Lane read;
  lanes::Lane balance;
  lanes::Lane query;
  std::optional<lanes::Lane> cache;
};

// The error is the exit code, and the reason has been told.
std::expected<std::unique_ptr<Authentication>, int> make_authentication(const Config& config, const Engine& engine,
                                                                        ops::Metrics& metrics) {
  auto authentication = Authentication::make(config, engine, metrics);
  if (!authentication) return std::unexpected(fail(authentication.error(), kExitUsage));
  const auto keys = (*authentication)->await_keys();
  if (!keys) return std::unexpected(kExitOk);
  if (!*keys) return std::unexpected(fail(keys->error()));
  return std::move(*authentication);
}

void greet(const Engine& engine, const std::string& url, bool worker) {
  const std::string example = fmt::format(
      "curl --location '{}/transactions' --header 'Content-Type: application/json' "
      R"(--data '{{"user_id": "user_11", "amount": 12.75, "currency": "USD"}}')",
      url);
  ops::log(ops::Level::info, "serving",
           {{"url", url},
            {"data", engine.where},
            {"store", engine.name},
            {"worker", worker ? "inside" : "none"},
            {"version", TPS_VERSION}});
  if (!ops::log_is_human()) {
    ops::log(ops::Level::info, "try it", {{"command", example}});
    return;
  }
  ops::say(fmt::format(
      "\n  API      {}\n  docs     {}/docs\n  metrics  {}/metrics\n  data     {} ({})\n\n  Try it:\n  {}\n\n", url, url,
      url, engine.where, engine.name, example));
}

std::expected<domain::Currencies, std::string> prepare_to_serve_callers(const Config& config,
                                                                        const std::string& listen) {
  auto currencies = prepare_to_serve(config, listen);
  if (!currencies) return currencies;
  if (auto exposed = check_exposure(config, listen); !exposed) return std::unexpected(std::move(exposed.error()));
  return currencies;
}

// Balancers are told first, and served while they take notice.
void drain(service::Readiness& readiness, service::Waiters& waiters, http::Server& server) {
  ops::log(ops::Level::info, "draining");
  readiness.drain();
  waiters.drain();
  server.drain();
}

}  // namespace

// The whole program on one page. Objects are made in the order in which they need each other.
int serve(const Config& config) {
  const ops::LogThread log_thread;
  const std::string& listen = config.text("listen");
  const auto currencies = prepare_to_serve_callers(config, listen);
  if (!currencies) return fail(currencies.error(), kExitUsage);
  ops::Metrics metrics;

  // The store: a session for every thread that will use it (the lanes make theirs).
  const auto engine = make_engine(config, *currencies, metrics);
  if (!engine) return fail(engine.error());
  const auto wait_session = engine->session();
  const auto ping_session = engine->session();
  const auto store = open_store(config, *engine, *ping_session);
  if (!store) return store.error();
  const auto shared_cache = make_shared_cache(config, *store, metrics);
  if (!shared_cache) return fail(shared_cache.error(), kExitUsage);

  // The service: what settles, what waits, and the lanes.
  service::LocalCache local_cache(static_cast<std::size_t>(config.number("local-cache")));
  service::Waiters waiters(*wait_session);
  std::optional<Settling> settling;
  if (config.toggle("worker")) settling.emplace(config, *engine, *store, waiters, metrics);
  const auto accepted = [&settling] {
    if (settling) settling->wake();
  };
  Lanes lanes(config, *engine, shared_cache->get(), accepted, metrics);
  service::Transactions transactions(store->partitions, {.submit = lanes.submit,
                                                         .read = lanes.read,
                                                         .balance = lanes.balance,
                                                         .query = lanes.query,
                                                         .local_cache = local_cache,
                                                         .cache = lanes.cache ? &*lanes.cache : nullptr,
                                                         .shared_cache = shared_cache->get(),
                                                         .waiters = waiters,
                                                         .metrics = metrics});
  service::Readiness readiness(*ping_session, store->partitions, now, metrics);

  const auto authentication = make_authentication(config, *engine, metrics);
  if (!authentication) return authentication.error();

  // The wire.
  const http::ApiOptions api_options{.request_timeout = milliseconds(config.number("request-timeout"))};
  http::Api api(http::routes(), {.options = api_options,
                                 .access = (*authentication)->access(),
                                 .transactions = &transactions,
                                 .currencies = *currencies,
                                 .metrics = metrics,
                                 .readiness = [&readiness] { return readiness.reason_not_ready(); }});
  http::Server server(server_options(config, listen), api, metrics);
  if (const auto started = server.start(); !started) return fail(started.error());
  greet(*engine, url_of(config, listen, server.port()), settling.has_value());

  wait_for_end([&] {
    server.reload_tls();
    (*authentication)->reload();
  });
  drain(readiness, waiters, server);
  // From the outside in: whoever still waits is answered before the IO threads end.
  if (settling) settling->stop();
  (*authentication)->stop();
  lanes.stop();
  waiters.stop();
  server.stop();
  ops::log(ops::Level::info, "stopped");
  return kExitOk;
}

}  // namespace tps
