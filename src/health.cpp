// `tps health`: the check that a container or a script makes of a running instance.
#include <fmt/format.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstdio>
#include <exception>
#include <sstream>
#include <string>

#include "app.hpp"
#include "http/server.hpp"

namespace tps {
namespace {

constexpr std::chrono::seconds kPatience{5};
constexpr std::size_t kMaxStatusLine = 1'024;

// The code of the status line; 0 when that is not one.
boost::asio::awaitable<int> ask(boost::asio::ip::tcp::endpoint endpoint, std::string host) {
  using boost::asio::use_awaitable;
  boost::asio::ip::tcp::socket socket(co_await boost::asio::this_coro::executor);
  co_await socket.async_connect(endpoint, use_awaitable);
  const std::string request = "GET /readiness HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
  co_await boost::asio::async_write(socket, boost::asio::buffer(request), use_awaitable);
  std::string answer;
  co_await boost::asio::async_read_until(socket, boost::asio::dynamic_buffer(answer, kMaxStatusLine), '\n',
                                         use_awaitable);
  std::istringstream words(answer);
  std::string version;
  int status = 0;
  words >> version >> status;
  co_return words ? status : 0;
}

// 0 when nothing sensible came in time.
int ask_readiness(const std::string& listen) {
  auto endpoint = http::parse_endpoint(listen);
  if (!endpoint) return 0;
  if (endpoint->address().is_unspecified()) {
    endpoint->address(endpoint->address().is_v4() ? boost::asio::ip::address(boost::asio::ip::address_v4::loopback())
                                                  : boost::asio::ip::address(boost::asio::ip::address_v6::loopback()));
  }
  int status = 0;
  boost::asio::io_context context;
  boost::asio::co_spawn(context, ask(*endpoint, listen), [&status](const std::exception_ptr& failure, int answered) {
    if (!failure) status = answered;
  });
  context.run_for(kPatience);
  return status;
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
