// `tps health`: the check that a container or a script makes of a running instance.
#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdio>
#include <string>

#include "app.hpp"
#include "http/server.hpp"

namespace tps {
namespace {

constexpr std::chrono::seconds kPatience{5};

// The status line's code; 0 when nothing sensible came.
int ask_readiness(const std::string& listen) {
  auto endpoint = http::parse_endpoint(listen);
  if (!endpoint) return 0;
  if (endpoint->address().is_unspecified()) {
    endpoint->address(endpoint->address().is_v4() ? boost::asio::ip::address(boost::asio::ip::address_v4::loopback())
                                                  : boost::asio::ip::address(boost::asio::ip::address_v6::loopback()));
  }
  boost::asio::ip::tcp::iostream stream;
  stream.expires_after(kPatience);
  stream.connect(*endpoint);
  stream << "GET /readiness HTTP/1.1\r\nHost: " << listen << "\r\nConnection: close\r\n\r\n" << std::flush;
  std::string version;
  int status = 0;
  stream >> version >> status;
  return stream ? status : 0;
}

}  // namespace

int health(const Config& config) {
  const std::string& listen = config.text("listen");
  const int status = ask_readiness(listen);
  if (status == 200) {
    fmt::print("ready\n");
    return kExitOk;
  }
  fmt::print(stderr, "tps: {} is not ready ({})\n", listen,
             status == 0 ? std::string("no answer") : "status " + std::to_string(status));
  return kExitFailed;
}

}  // namespace tps
