#include "commands/serve.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <expected>
#include <optional>
#include <string>
#include <utility>

#include "http/api/api.hpp"
#include "http/server/server.hpp"
#include "ops/log.hpp"
#include "ops/metrics.hpp"
#include "program/authentication.hpp"
#include "program/engine.hpp"
#include "program/exit.hpp"
#include "program/lanes_of_serve.hpp"
#include "program/listening.hpp"
#include "program/open_store.hpp"
#include "program/settling.hpp"
#include "program/shared_cache.hpp"
#include "program/signals.hpp"
#include "program/wall_clock.hpp"
#include "service/local_cache.hpp"
#include "service/readiness.hpp"
#include "service/transactions.hpp"
#include "service/waiters.hpp"

namespace tps {
namespace {

// Checks the settings and the files that they name, before anything is opened.
std::expected<Credentials, std::string> check_before_serving(const Settings& settings) {
  for (const auto check : {check_exposure, check_listening, check_shared_cache}) {
    if (const auto checked = check(settings); !checked) return std::unexpected(checked.error());
  }
  return read_credentials(settings.access);
}

void greet(const Engine& engine, const std::string& url, const std::string& cache, bool worker) {
  const std::string example = fmt::format(
      "curl --location '{}/transactions' --header 'Content-Type: application/json' "
      R"(--data '{{"user_id": "user_11", "amount": 12.75, "currency": "USD"}}')",
      url);
  ops::log(ops::Level::info, "serving",
           {{"url", url},
            {"data", engine.where},
            {"store", engine.name},
            {"cache", cache},
            {"worker", worker ? "inside" : "none"},
            {"version", TPS_VERSION}});
  if (!ops::log_is_human()) {
    ops::log(ops::Level::info, "try it", {{"command", example}});
    return;
  }
  ops::say(
      fmt::format("\n  API      {}\n  docs     {}/docs\n  metrics  {}/metrics\n  data     {} ({})\n  cache    {}\n\n  "
                  "Try it:\n  {}\n\n",
                  url, url, url, engine.where, engine.name, cache, example));
}

// /readiness fails first. The server still answers until load balancers have noticed.
void drain(service::ReadinessCheck& readiness, service::Waiters& waiters, http::Server& server) {
  ops::log(ops::Level::info, "draining");
  readiness.drain();
  waiters.drain();
  server.drain();
}

}  // namespace

// The whole program on one page. Objects are made in the order in which they need each other.
int serve(const Settings& settings) {
  const ops::LogThread log_thread;
  block_signals();
  auto credentials = check_before_serving(settings);
  if (!credentials) return fail(credentials.error(), kExitUsage);
  ops::Metrics metrics;

  // The store: a session for every thread that will use it (the lanes make theirs).
  const auto engine = make_engine(settings, metrics);
  if (!engine) return fail(engine.error());
  const auto wait_session = engine->session();
  const auto ping_session = engine->session();
  const auto store = open_store(settings, *engine, *ping_session);
  if (!store) return store.error();
  const auto shared_cache = make_shared_cache(settings, *store, metrics);
  if (!shared_cache) return fail(shared_cache.error(), kExitUsage);
  const std::string cache_state = describe_shared_cache(settings, shared_cache->get());

  // The service: settlement, waiting requests, and the lanes.
  service::LocalCache local_cache(settings.local_cache, *engine->history);
  service::Waiters waiters(*wait_session);
  std::optional<Settler> settler;
  if (settings.worker) settler.emplace(settings, *engine, *store, waiters, metrics);
  const auto accepted = [&settler] {
    if (settler) settler->wake();
  };
  LanesOfServe lanes(settings, *engine, shared_cache->get(), accepted, metrics);
  service::Transactions transactions(store->partitions, {.submit = lanes.submit,
                                                         .read = lanes.read,
                                                         .balance = lanes.balance,
                                                         .query = lanes.query,
                                                         .history = *engine->history,
                                                         .local_cache = local_cache,
                                                         .cache = lanes.cache ? &*lanes.cache : nullptr,
                                                         .shared_cache = shared_cache->get(),
                                                         .waiters = waiters,
                                                         .metrics = metrics});
  auto parts = lanes.parts();
  if (settler) parts.push_back(settler->part());
  service::ReadinessCheck readiness(*ping_session, store->partitions, now, std::move(parts), metrics);
  Authentication authentication(settings.access, std::move(*credentials), *engine, metrics);
  const auto keys = authentication.await_keys();
  if (!keys) return kExitOk;  // ended by a signal
  if (!*keys) return fail(keys->error());

  // HTTP. Settlement starts last, after every step that can fail.
  http::Api api(http::routes(), {.options = {.request_timeout = settings.request_timeout},
                                 .access = authentication.access(),
                                 .transactions = &transactions,
                                 .currencies = settings.currencies,
                                 .metrics = metrics,
                                 .readiness = [&readiness] { return readiness.not_ready(); }});
  http::Server server(server_options(settings), api, metrics);
  if (const auto started = server.start(); !started) return fail(started.error());
  if (settler) settler->start();
  greet(*engine, url_of(settings, server.port()), cache_state, settler.has_value());

  wait_for_end([&] {
    server.reload_tls();
    authentication.reload();
  });
  drain(readiness, waiters, server);
  // Stop from the outside in, so that waiting requests are answered before the IO threads end.
  if (settler) settler->stop();
  authentication.stop();
  lanes.stop();
  waiters.stop();
  server.stop();
  ops::log(ops::Level::info, "stopped");
  return kExitOk;
}

}  // namespace tps
