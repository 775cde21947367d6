// `tps health`: the check that a container or a script makes of a running instance.
#include <fmt/format.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstdio>
#include <exception>
#include <sstream>
#include <string>

#include "commands/commands.hpp"
#include "http/server/server.hpp"
#include "program/exit.hpp"
#include "program/startup.hpp"

namespace tps {
namespace {

constexpr std::chrono::seconds kPatience{5};
constexpr std::size_t kMaxStatusLine = 1'024;

using boost::asio::use_awaitable;
using boost::asio::ip::tcp;
namespace ssl = boost::asio::ssl;

// The code of the status line; 0 when that is not one.
template <class Stream>
boost::asio::awaitable<int> ask(Stream& stream, const std::string& host) {
  const std::string request = "GET /readiness HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
  co_await boost::asio::async_write(stream, boost::asio::buffer(request), use_awaitable);
  std::string answer;
  co_await boost::asio::async_read_until(stream, boost::asio::dynamic_buffer(answer, kMaxStatusLine), '\n',
                                         use_awaitable);
  std::istringstream words(answer);
  std::string version;
  int status = 0;
  words >> version >> status;
  co_return words ? status : 0;
}

boost::asio::awaitable<int> ask_plainly(tcp::endpoint endpoint, std::string host) {
  tcp::socket socket(co_await boost::asio::this_coro::executor);
  co_await socket.async_connect(endpoint, use_awaitable);
  co_return co_await ask(socket, host);
}

// Whose certificate it is does not matter: only the instance's own address is asked, which only processes of this
// machine can answer for, and nothing secret is sent. To an instance that wants certificates of its clients, its own is
// shown.
boost::asio::awaitable<int> ask_over_tls(tcp::endpoint endpoint, std::string host, http::TlsFiles files) {
  ssl::context context(ssl::context::tls_client);
  context.set_verify_mode(ssl::verify_none);
  if (!files.client_ca.empty()) {
    context.use_certificate_chain_file(files.certificate);
    context.use_private_key_file(files.key, ssl::context::pem);
  }
  ssl::stream<tcp::socket> stream(co_await boost::asio::this_coro::executor, context);
  co_await stream.next_layer().async_connect(endpoint, use_awaitable);
  co_await stream.async_handshake(ssl::stream_base::client, use_awaitable);
  co_return co_await ask(stream, host);
}

// 0 when nothing sensible came in time.
int ask_readiness(const std::string& listen, const http::TlsFiles& files) {
  auto endpoint = http::parse_endpoint(listen);
  if (!endpoint) return 0;
  if (endpoint->address().is_unspecified()) {
    endpoint->address(endpoint->address().is_v4() ? boost::asio::ip::address(boost::asio::ip::address_v4::loopback())
                                                  : boost::asio::ip::address(boost::asio::ip::address_v6::loopback()));
  }
  int status = 0;
  boost::asio::io_context context;
  const auto take = [&status](const std::exception_ptr& failure, int answered) {
    if (!failure) status = answered;
  };
  if (files.certificate.empty()) {
    boost::asio::co_spawn(context, ask_plainly(*endpoint, listen), take);
  } else {
    boost::asio::co_spawn(context, ask_over_tls(*endpoint, listen, files), take);
  }
  context.run_for(kPatience);
  return status;
}

}  // namespace

int health(const Config& config) {
  const std::string& listen = config.text("listen");
  const int status = ask_readiness(listen, tls_files(config));
  if (status == 200) {
    fmt::print("ready\n");
    return kExitOk;
  }
  fmt::print(stderr, "tps: {} is not ready ({})\n", listen,
             status == 0 ? std::string("no answer") : "status " + std::to_string(status));
  return kExitFailed;
}

}  // namespace tps
