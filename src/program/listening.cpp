#include "program/listening.hpp"

#include <sys/resource.h>

#include <cstddef>

#include "http/server/tls_context.hpp"
#include "ops/log.hpp"

namespace tps {
namespace {

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

}  // namespace

std::expected<void, std::string> check_tls(const Settings& settings) {
  if (const auto tls = http::load_tls(settings.server.tls); !tls) return std::unexpected(tls.error());
  return {};
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
  options.max_connections = connection_limit(options.max_connections);
  return options;
}

std::string url_of(const Settings& settings, std::uint16_t port) {
  http::Endpoint endpoint = settings.server.listen;
  endpoint.port(port);
  return (settings.server.tls.certificate.empty() ? "http://" : "https://") + http::text_of(endpoint);
}

}  // namespace tps
