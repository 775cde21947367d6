#include "program/listening.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "http/server/tls_context.hpp"
#include "ops/log.hpp"

namespace tps {
namespace {

// Files that a server opens for itself: database sessions, listener, timers, files of settings while they are read.
constexpr std::size_t kOwnFiles = 48;
constexpr std::size_t kFewestForClients = 16;

// The limit of open files, raised as far as the process may.
std::size_t open_files() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return SIZE_MAX;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  return files.rlim_cur == RLIM_INFINITY ? SIZE_MAX : files.rlim_cur;
}

// No more connections than files: a promised connection that cannot be accepted would take the place of an operator's.
void limit_connections(http::ServerOptions& options, std::size_t files) {
  const std::size_t for_clients = std::max(files, kOwnFiles + kFewestForClients) - kOwnFiles;
  options.spare_connections = std::min(options.spare_connections, for_clients / 4);
  const std::size_t possible = for_clients - options.spare_connections;
  if (options.max_connections <= possible) return;
  ops::log(ops::Level::warn,
           "the limit of open files (ulimit -n) allows fewer connections than max-connections: raise it, or lower "
           "max-connections",
           {{"connections", std::to_string(possible)}, {"open_files", std::to_string(files)}});
  options.max_connections = possible;
}

}  // namespace

std::expected<void, std::string> check_listening(const Settings& settings) {
  if (const auto tls = http::load_tls(settings.server.tls); !tls) return std::unexpected(tls.error());
  const std::size_t files = open_files();
  if (files >= kOwnFiles + kFewestForClients) return {};
  return std::unexpected("the limit of open files (ulimit -n) is " + std::to_string(files) + "; at least " +
                         std::to_string(kOwnFiles + kFewestForClients) + " are needed");
}

std::expected<void, std::string> check_exposure(const Settings& settings) {
  const http::Endpoint& listen = settings.server.listen;
  if (settings.access.required || listen.address().is_loopback()) return {};
  const std::string address = http::text_of(listen);
  if (!settings.access.insecure) {
    return std::unexpected("listen: " + address +
                           " can be reached from other machines, and authentication is off; configure jwt-keys, "
                           "jwt-secret, users-file or auth (docs/security.md), or allow it with --insecure-no-auth");
  }
  ops::log(ops::Level::warn, "insecure-no-auth: every client that reaches this address may move all money",
           {{"listen", address}});
  return {};
}

http::ServerOptions server_options(const Settings& settings) {
  http::ServerOptions options = settings.server;
  limit_connections(options, open_files());
  return options;
}

std::string url_of(const Settings& settings, std::uint16_t port) {
  http::Endpoint endpoint = settings.server.listen;
  endpoint.port(port);
  return (settings.server.tls.certificate.empty() ? "http://" : "https://") + http::text_of(endpoint);
}

}  // namespace tps
