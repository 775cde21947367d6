#include "commands/worker.hpp"

#include <string>

#include "http/api/api.hpp"
#include "http/api/routes.hpp"
#include "http/server/server.hpp"
#include "ops/log.hpp"
#include "ops/metrics.hpp"
#include "program/engine.hpp"
#include "program/exit.hpp"
#include "program/listening.hpp"
#include "program/open_store.hpp"
#include "program/settling.hpp"
#include "program/signals.hpp"
#include "program/wall_clock.hpp"
#include "service/readiness.hpp"
#include "service/waiters.hpp"

namespace tps {

int worker(const Settings& settings) {
  const ops::LogThread log_thread;
  block_signals();
  if (const auto checked = check_listening(settings); !checked) return fail(checked.error(), kExitUsage);
  ops::Metrics metrics;

  const auto engine = make_engine(settings, metrics);
  if (!engine) return fail(engine.error());
  const auto wait_session = engine->session();
  const auto ping_session = engine->session();
  const auto store = open_store(settings, *engine, *ping_session);
  if (!store) return store.error();

  service::Waiters waiters(*wait_session);  // no request waits here
  Settler settler(settings, *engine, *store, waiters, metrics);
  service::ReadinessCheck readiness(*ping_session, store->partitions, now, {settler.part()}, metrics);
  http::Api api(http::worker_routes(),
                {.options = {}, .currencies = settings.currencies, .metrics = metrics, .readiness = [&readiness] {
                   return readiness.not_ready();
                 }});
  http::Server server(server_options(settings), api, metrics);
  if (const auto started = server.start(); !started) return fail(started.error());
  settler.start();
  const std::string url = url_of(settings, server.port());
  ops::log(ops::Level::info, "settling",
           {{"url", url}, {"data", engine->where}, {"store", engine->name}, {"version", TPS_VERSION}});

  wait_for_end([&server] { server.reload_tls(); });
  ops::log(ops::Level::info, "draining");
  readiness.drain();
  server.drain();
  settler.stop();
  waiters.stop();
  server.stop();
  ops::log(ops::Level::info, "stopped");
  return kExitOk;
}

}  // namespace tps
