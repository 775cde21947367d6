#include "program/startup.hpp"

#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <future>
#include <utility>

#include "http/server/server.hpp"
#include "ops/log.hpp"
#include "program/exit.hpp"
#include "program/signals.hpp"

namespace tps {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kOpenBudget{5};
constexpr std::chrono::seconds kOpenPatience{60};
constexpr milliseconds kOpenRetryPause{200};
constexpr milliseconds kSignalPoll{2};
constexpr std::chrono::seconds kMigrationRetry{3};  // the pause before the next attempt on tables in use

struct Ended {};  // asked to end while waiting

// A server that starts together with its database gives it a minute. Waiting cannot mend what is incompatible.
std::expected<ports::StoreResult<ports::StoreIdentity>, Ended> open_patiently(ports::Store& session) {
  const auto give_up = steady_clock::now() + kOpenPatience;
  bool told = false;
  while (true) {
    auto identity = open_once(session);
    const bool waiting_helps = !identity && identity.error().kind != ports::StoreFault::Kind::incompatible;
    if (!waiting_helps || steady_clock::now() > give_up) return identity;
    if (!told) ops::log(ops::Level::warn, "waiting for the store", {{"detail", identity.error().detail}});
    told = true;
    if (wait_for_end(kOpenRetryPause)) return std::unexpected(Ended{});
  }
}

// Whoever is asked to end meanwhile does so: what a migration has begun, the database undoes, after the
// statement that it is at.
std::expected<void, std::string> migrate_first(const Engine& engine) {
  const auto give_up = steady_clock::now() + kMigrationPatience;
  auto migrating = std::async(std::launch::async, [&engine] { return engine.migrate(kMigrationPatience); });
  while (migrating.wait_for(kSignalPoll) != std::future_status::ready) {
    if (!wait_for_end(milliseconds(0))) continue;
    ops::log(ops::Level::warn, "asked to end during the migration");
    ops::flush_log();
    std::_Exit(kExitOk);
  }
  auto migrated = migrating.get();
  if (!migrated && steady_clock::now() > give_up - kMigrationRetry) {
    migrated.error() += "; it had a minute, which is what a server that starts may take: `tps migrate` has more";
  }
  return migrated;
}

// As many connections as were asked for, or as the system lets this process have besides its own files.
std::size_t connection_limit(std::size_t wanted) {
  const rlim_t own_files = 64 + http::ServerOptions{}.spare_connections;
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return wanted;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur == RLIM_INFINITY || wanted + own_files <= files.rlim_cur) return wanted;
  const std::size_t possible = files.rlim_cur > 2 * own_files ? files.rlim_cur - own_files : own_files;
  ops::log(ops::Level::warn, "fewer connections than max-connections: the limit of open files is low",
           {{"connections", std::to_string(possible)}});
  return possible;
}

std::expected<void, std::string> set_up_log(const Config& config) {
  const auto level = ops::parse_level(config.text("log-level"));
  if (!level) return std::unexpected("log-level: expected debug, info, warn or error");
  const auto format = ops::parse_log_format(config.text("log-format"));
  if (!format) return std::unexpected("log-format: expected auto, json or human");
  ops::set_up_log(*level, *format);
  return {};
}

}  // namespace

domain::Timestamp now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

int fail(const std::string& text, int code) {
  ops::say("tps: " + text + "\n");
  return code;
}

int fail(const std::string& text) { return fail(text, kExitFailed); }

std::expected<domain::Currencies, std::string> prepare(const Config& config) {
  if (const auto logging = set_up_log(config); !logging) return std::unexpected(logging.error());
  return domain::Currencies::with_assets(config.text("assets"));
}

std::expected<domain::Currencies, std::string> prepare_to_serve(const Config& config, const std::string& listen) {
  auto currencies = prepare(config);
  block_signals();
  if (!currencies) return currencies;
  if (const auto endpoint = http::parse_endpoint(listen); !endpoint) {
    return std::unexpected("listen: " + endpoint.error());
  }
  if (const auto proxies = http::TrustedProxies::parse(config.text("trusted-proxies")); !proxies) {
    return std::unexpected("trusted-proxies: " + proxies.error());
  }
  if (const auto tls = http::load_tls(tls_files(config)); !tls) return std::unexpected(tls.error());
  return currencies;
}

ports::StoreResult<ports::StoreIdentity> open_once(ports::Store& session) {
  return session.open(steady_clock::now() + kOpenBudget);
}

std::expected<ports::StoreIdentity, int> open_store(const Config& config, const Engine& engine, ports::Store& session) {
  const bool on_demand = !engine.migrates_itself && config.toggle("migrate");
  if (on_demand && !open_patiently(session)) return std::unexpected(kExitOk);
  if (on_demand || engine.migrates_itself) {
    if (const auto migrated = migrate_first(engine); !migrated) return std::unexpected(fail(migrated.error()));
  }
  auto opened = open_patiently(session);
  if (!opened) return std::unexpected(kExitOk);
  if (!*opened) return std::unexpected(fail(opened->error().detail));
  if (const auto fits = check_partitions(config, **opened); !fits) return std::unexpected(fail(fits.error()));
  return std::move(**opened);
}

std::expected<void, std::string> check_partitions(const Config& config, const ports::StoreIdentity& store) {
  const auto asked = static_cast<std::uint32_t>(config.number("partitions"));
  if (config.value("partitions").source == "default" || asked == store.partitions) return {};
  return std::unexpected("partitions: this database has " + std::to_string(store.partitions) +
                         ", fixed by its first migration, not " + std::to_string(asked));
}

http::TlsFiles tls_files(const Config& config) {
  return {.certificate = config.text("tls-certificate"),
          .key = config.text("tls-key"),
          .client_ca = config.text("tls-client-ca")};
}

http::ServerOptions server_options(const Config& config, const std::string& listen) {
  http::ServerOptions options;
  options.listen = listen;
  options.tls = tls_files(config);
  options.trusted_proxies = http::TrustedProxies::parse(config.text("trusted-proxies")).value();  // has been checked
  options.io_threads = static_cast<unsigned>(config.number("io-threads"));
  options.max_connections = connection_limit(static_cast<std::size_t>(config.number("max-connections")));
  options.connections_per_client = static_cast<std::size_t>(config.number("connections-per-client"));
  options.max_body_bytes = static_cast<std::size_t>(config.number("max-body-memory"));
  options.header_timeout = milliseconds(config.number("header-timeout"));
  options.body_timeout = milliseconds(config.number("body-timeout"));
  options.idle_timeout = milliseconds(config.number("idle-timeout"));
  options.drain_delay = milliseconds(config.number("drain-delay"));
  options.drain_limit = milliseconds(config.number("drain-timeout"));
  return options;
}

std::string url_of(const Config& config, const std::string& listen, std::uint16_t port) {
  const std::string scheme = config.text("tls-certificate").empty() ? "http://" : "https://";
  return scheme + listen.substr(0, listen.rfind(':')) + ":" + std::to_string(port);
}

}  // namespace tps
