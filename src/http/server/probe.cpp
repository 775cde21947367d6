#include "http/server/probe.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <exception>
#include <sstream>
#include <string>

namespace tps::http {
namespace {

constexpr std::chrono::seconds kProbePatience{5};
constexpr std::size_t kMaxStatusLine = 1'024;

using boost::asio::use_awaitable;
using boost::asio::ip::tcp;
namespace ssl = boost::asio::ssl;
using Status = std::optional<int>;

// The code of the status line; nullopt when that is not one.
template <class Stream>
boost::asio::awaitable<Status> ask(Stream& stream, const std::string& host) {
  const std::string request = "GET /readiness HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n";
  co_await boost::asio::async_write(stream, boost::asio::buffer(request), use_awaitable);
  std::string answer;
  co_await boost::asio::async_read_until(stream, boost::asio::dynamic_buffer(answer, kMaxStatusLine), '\n',
                                         use_awaitable);
  std::istringstream words(answer);
  std::string version;
  int status = 0;
  words >> version >> status;
  co_return words ? Status(status) : std::nullopt;
}

boost::asio::awaitable<Status> ask_plainly(Endpoint endpoint, std::string host) {
  tcp::socket socket(co_await boost::asio::this_coro::executor);
  co_await socket.async_connect(endpoint, use_awaitable);
  co_return co_await ask(socket, host);
}

// The certificate is not verified: the address is the server's own, at which only processes of this machine can answer,
// and the request holds no secret. A server that wants certificates of its clients is shown its own.
boost::asio::awaitable<Status> ask_over_tls(Endpoint endpoint, std::string host, TlsFiles files) {
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

}  // namespace

std::optional<int> probe_readiness(Endpoint endpoint, const TlsFiles& files) {
  const std::string host = text_of(endpoint);
  if (endpoint.address().is_unspecified()) {
    endpoint.address(endpoint.address().is_v4() ? boost::asio::ip::address(boost::asio::ip::address_v4::loopback())
                                                : boost::asio::ip::address(boost::asio::ip::address_v6::loopback()));
  }
  Status status;
  boost::asio::io_context context;
  const auto take = [&status](const std::exception_ptr& failure, Status answered) {
    if (!failure) status = answered;
  };
  if (files.certificate.empty()) {
    boost::asio::co_spawn(context, ask_plainly(endpoint, host), take);
  } else {
    boost::asio::co_spawn(context, ask_over_tls(endpoint, host, files), take);
  }
  context.run_for(kProbePatience);
  return status;
}

}  // namespace tps::http
