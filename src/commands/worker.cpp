// `tps worker`: settles, and nothing else. Its own /health, /readiness and /metrics; no API.
#include <chrono>
#include <string>

#include "commands/commands.hpp"
#include "http/api/api.hpp"
#include "http/api/routes.hpp"
#include "http/server/server.hpp"
#include "ops/log.hpp"
#include "ops/metrics.hpp"
#include "program/engine.hpp"
#include "program/exit.hpp"
#include "program/settling.hpp"
#include "program/signals.hpp"
#include "program/startup.hpp"
#include "service/readiness.hpp"
#include "service/waiters.hpp"

namespace tps {

int worker(const Config& config) {
  const ops::LogThread log_thread;
  // Beside a server on the same machine.
  const bool chosen = config.value("listen").source != "default";
  const std::string listen = chosen ? config.text("listen") : "127.0.0.1:8001";
  const auto currencies = prepare_to_serve(config, listen);
  if (!currencies) return fail(currencies.error(), kExitUsage);
  ops::Metrics metrics;

  const auto engine = make_engine(config, *currencies, metrics);
  if (!engine) return fail(engine.error());
  const auto wait_session = engine->session();
  const auto ping_session = engine->session();
  const auto store = open_store(config, *engine, *ping_session);
  if (!store) return store.error();

  service::Waiters waiters(*wait_session);  // nobody waits here
  Settling settling(config, *engine, *store, waiters, metrics);
  service::Readiness readiness(*ping_session, store->partitions, now, metrics);
  http::Api api(http::worker_routes(),
                {.options = {}, .currencies = *currencies, .metrics = metrics, .readiness = [&readiness] {
                   return readiness.reason_not_ready();
                 }});
  http::Server server(server_options(config, listen), api, metrics);
  if (const auto started = server.start(); !started) return fail(started.error());
  const std::string url = url_of(config, listen, server.port());
  ops::log(ops::Level::info, "settling",
           {{"url", url}, {"data", engine->where}, {"store", engine->name}, {"version", TPS_VERSION}});

  wait_for_end([&server] { server.reload_tls(); });
  ops::log(ops::Level::info, "draining");
  readiness.drain();
  server.drain();
  settling.stop();
  waiters.stop();
  server.stop();
  ops::log(ops::Level::info, "stopped");
  return kExitOk;
}

}  // namespace tps
