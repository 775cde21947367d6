#include "app.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "adapters/redis_cache.hpp"
#include "engine.hpp"
#include "http/api.hpp"
#include "http/server.hpp"
#include "ops/log.hpp"
#include "ops/metrics.hpp"
#include "service/flights.hpp"
#include "service/lane.hpp"
#include "service/local_cache.hpp"
#include "service/readiness.hpp"
#include "service/settlement_loop.hpp"
#include "service/transactions.hpp"
#include "service/waiters.hpp"
#include "signals.hpp"

namespace tps {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kOpenBudget{5};
constexpr std::chrono::seconds kOpenPatience{60};
constexpr milliseconds kOpenRetryPause{200};
constexpr milliseconds kFlightBudget{3'000};
constexpr milliseconds kCacheFlightBudget{20};

domain::Timestamp now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

int fail(const std::string& text, int code = kExitFailed) {
  std::cerr << "tps: " << text << '\n';
  return code;
}

std::expected<void, std::string> set_up_log(const Config& config) {
  const auto level = ops::parse_level(config.text("log-level"));
  if (!level) return std::unexpected("log-level: expected debug, info, warn or error");
  const auto format = ops::parse_log_format(config.text("log-format"));
  if (!format) return std::unexpected("log-format: expected auto, json or human");
  ops::set_up_log(*level, *format);
  return {};
}

// What can be wrong with the configuration is found out before anything is opened.
std::expected<domain::Currencies, std::string> prepare_to_serve(const Config& config) {
  if (const auto logging = set_up_log(config); !logging) return std::unexpected(logging.error());
  block_signals();
  auto currencies = domain::Currencies::with_assets(config.text("assets"));
  if (!currencies) return currencies;
  if (const auto endpoint = http::parse_endpoint(config.text("listen")); !endpoint) {
    return std::unexpected("listen: " + endpoint.error());
  }
  return currencies;
}

struct Ended {};  // asked to end while waiting

// A server that starts together with its database gives it a minute. `done` says that waiting is over.
template <class Done>
std::expected<service::StoreResult<service::StoreIdentity>, Ended> open_patiently(service::Store& session, Done done) {
  const auto give_up = steady_clock::now() + kOpenPatience;
  bool told = false;
  while (true) {
    auto identity = session.open(steady_clock::now() + kOpenBudget);
    if (identity || done(identity.error()) || steady_clock::now() > give_up) return identity;
    if (!told) ops::log(ops::Level::warn, "waiting for the store", {{"detail", identity.error().detail}});
    told = true;
    if (wait_for_end(kOpenRetryPause)) return std::unexpected(Ended{});
  }
}

// Ready to use, migrated first if that is asked for. Waiting cannot mend what is incompatible.
std::expected<service::StoreIdentity, int> open_store(const Engine& engine, service::Store& session, bool migrate) {
  const auto is_reachable = [](const service::StoreFault& fault) {
    return fault.kind == service::StoreFault::Kind::incompatible;
  };
  if (migrate && !engine.migrates_itself && !open_patiently(session, is_reachable)) return std::unexpected(kExitOk);
  if (migrate) {
    if (const auto migrated = engine.migrate(); !migrated) return std::unexpected(fail(migrated.error()));
  }
  auto opened = open_patiently(session, is_reachable);
  if (!opened) return std::unexpected(kExitOk);
  if (!*opened) return std::unexpected(fail(opened->error().detail));
  return std::move(**opened);
}

std::expected<std::unique_ptr<adapters::RedisCache>, std::string> make_shared_cache(const Config& config,
                                                                                    const service::StoreIdentity& store,
                                                                                    ops::Metrics& metrics) {
  if (config.text("redis-url").empty()) return nullptr;
  const auto options = adapters::parse_redis_url(config.text("redis-url"));
  if (!options) return std::unexpected("redis-url: " + options.error());
  return std::make_unique<adapters::RedisCache>(*options, store, metrics);
}

std::size_t max_flight(const Config& config) { return static_cast<std::size_t>(config.number("max-flight")); }

service::LaneOptions lane_options(const char* name, const Config& config, const char* capacity, std::size_t flight) {
  return {.name = name,
          .capacity = static_cast<std::size_t>(config.number(capacity)),
          .max_flight = flight,
          .budget = kFlightBudget};
}

// The lanes, and the sessions that they fly on.
struct Lanes {
  Lanes(const Config& config, const Engine& engine, adapters::RedisCache* shared_cache, std::function<void()> accepted,
        ops::Metrics& metrics)
      : submit_session(engine.session()),
        read_session(engine.session()),
        query_session(engine.session()),
        submit(lane_options("submit", config, "submit-queue", max_flight(config)), metrics,
               service::submit_flight(*submit_session, now, std::move(accepted), metrics)),
        read(lane_options("read", config, "read-queue", max_flight(config)), metrics,
             service::find_flight(*read_session, metrics)),
        query(lane_options("query", config, "query-queue", 1), metrics, service::query_flight(*query_session)) {
    if (shared_cache == nullptr) return;
    cache.emplace(service::LaneOptions{.name = "cache", .budget = kCacheFlightBudget}, metrics,
                  service::cache_flight(*shared_cache));
  }
  void stop() {
    submit.stop();
    read.stop();
    query.stop();
    if (cache) cache->stop();
  }

  const std::unique_ptr<service::Store> submit_session;
  const std::unique_ptr<service::Store> read_session;
  const std::unique_ptr<service::Store> query_session;
  service::Lane submit;
  service::Lane read;
  service::Lane query;
  std::optional<service::Lane> cache;
};

// As many connections as were asked for, or as the system lets this process have besides its own files.
std::size_t connection_limit(std::size_t wanted) {
  constexpr rlim_t kOwnFiles = 64;
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return wanted;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur == RLIM_INFINITY || wanted + kOwnFiles <= files.rlim_cur) return wanted;
  const std::size_t possible = files.rlim_cur > 2 * kOwnFiles ? files.rlim_cur - kOwnFiles : kOwnFiles;
  ops::log(ops::Level::warn, "fewer connections than max-connections: the limit of open files is low",
           {{"connections", std::to_string(possible)}});
  return possible;
}

http::ServerOptions server_options(const Config& config) {
  http::ServerOptions options;
  options.listen = config.text("listen");
  options.io_threads = static_cast<unsigned>(config.number("io-threads"));
  options.max_connections = connection_limit(static_cast<std::size_t>(config.number("max-connections")));
  options.header_timeout = milliseconds(config.number("header-timeout"));
  options.body_timeout = milliseconds(config.number("body-timeout"));
  options.idle_timeout = milliseconds(config.number("idle-timeout"));
  options.drain_delay = milliseconds(config.number("drain-delay"));
  options.drain_limit = milliseconds(config.number("drain-timeout"));
  return options;
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
  fmt::print(stderr,
             "\n  API      {}\n  docs     {}/docs\n  metrics  {}/metrics\n  data     {} ({})\n\n  Try it:\n  {}\n\n",
             url, url, url, engine.where, engine.name, example);
}

}  // namespace

// The whole program on one page. Objects are made in the order in which they need each other.
int serve(const Config& config) {
  const auto currencies = prepare_to_serve(config);
  if (!currencies) return fail(currencies.error(), kExitUsage);
  ops::Metrics metrics;

  // The store: a session for every thread that will use it (the lanes make theirs).
  const auto engine = make_engine(config, *currencies, metrics);
  if (!engine) return fail(engine.error());
  const auto wait_session = engine->session();
  const auto settle_session = engine->session();
  const auto ping_session = engine->session();
  const auto store = open_store(*engine, *ping_session, engine->migrates_itself || config.toggle("migrate"));
  if (!store) return store.error();
  const auto shared_cache = make_shared_cache(config, *store, metrics);
  if (!shared_cache) return fail(shared_cache.error(), kExitUsage);

  // The service: what settles, what waits, and the lanes.
  service::LocalCache local_cache(static_cast<std::size_t>(config.number("local-cache")));
  service::Waiters waiters(*wait_session);
  std::optional<service::SettlementLoop> settlement;
  if (config.toggle("worker")) {
    const service::SettlementOptions options{.partitions = store->partitions,
                                             .batch = static_cast<std::size_t>(config.number("settle-batch"))};
    settlement.emplace(options, *settle_session, now, waiters, metrics);
  }
  const auto accepted = [&settlement] {
    if (settlement) settlement->wake();
  };
  Lanes lanes(config, *engine, shared_cache->get(), accepted, metrics);
  service::Transactions transactions(store->partitions, {.submit = lanes.submit,
                                                         .read = lanes.read,
                                                         .query = lanes.query,
                                                         .local_cache = local_cache,
                                                         .cache = lanes.cache ? &*lanes.cache : nullptr,
                                                         .shared_cache = shared_cache->get(),
                                                         .waiters = waiters,
                                                         .metrics = metrics});
  service::Readiness readiness(*ping_session, store->partitions, now, metrics);

  // The wire.
  const http::ApiOptions api_options{.request_timeout = milliseconds(config.number("request-timeout"))};
  http::Api api(api_options, transactions, *currencies, metrics, [&readiness] { return readiness.reason_not_ready(); });
  http::Server server(server_options(config), api, metrics);
  if (const auto started = server.start(); !started) return fail("listen: " + started.error());
  const std::string host = config.text("listen").substr(0, config.text("listen").rfind(':'));
  greet(*engine, fmt::format("http://{}:{}", host, server.port()), settlement.has_value());

  wait_for_end();
  ops::log(ops::Level::info, "draining");
  readiness.drain();
  waiters.drain();
  server.drain();
  // From the outside in: whoever still waits is answered before the IO threads end.
  if (settlement) settlement->stop();
  lanes.stop();
  waiters.stop();
  server.stop();
  ops::log(ops::Level::info, "stopped");
  return kExitOk;
}

int migrate(const Config& config) {
  if (const auto logging = set_up_log(config); !logging) return fail(logging.error(), kExitUsage);
  const auto currencies = domain::Currencies::with_assets(config.text("assets"));
  if (!currencies) return fail(currencies.error(), kExitUsage);
  ops::Metrics metrics;
  const auto engine = make_engine(config, *currencies, metrics);
  if (!engine) return fail(engine.error());
  if (const auto migrated = engine->migrate(); !migrated) return fail(migrated.error());
  const auto session = engine->session();
  const auto store = session->open(steady_clock::now() + kOpenBudget);
  if (!store) return fail(store.error().detail);
  fmt::print("{} at {} has schema {}, {} partition{}\n", engine->name, engine->where, store->schema, store->partitions,
             store->partitions == 1 ? "" : "s");
  return kExitOk;
}

int show_config(const Config& config, bool json) {
  const auto quoted = [](std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + "\"";
  };
  if (json) fmt::print("{{");
  bool first = true;
  for (const Setting& setting : settings()) {
    const std::string shown = config.shown(setting);
    const std::string& source = config.value(setting.name).source;
    if (json) {
      fmt::print("{}\n  {}: {{\"value\": {}, \"source\": {}}}", first ? "" : ",", quoted(setting.name), quoted(shown),
                 quoted(source));
    } else {
      fmt::print("{:<20} {:<28} {:<12} {}\n", setting.name, shown.empty() ? "-" : shown, setting.unit, source);
    }
    first = false;
  }
  if (json) fmt::print("\n}}\n");
  return kExitOk;
}

}  // namespace tps
