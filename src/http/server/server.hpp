// The HTTP server: listens, spreads connections over IO threads, drains and stops. Sockets are seen here and in
// session and io_loop only.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <condition_variable>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "http/api/api.hpp"
#include "http/server/io_loop.hpp"
#include "http/server/server_options.hpp"
#include "ops/metrics.hpp"

namespace tps::http {

// Order for who builds the program: drain(), then stop what handlers wait for (lanes), then stop(). The contexts exist
// from construction to destruction, so the object must outlive everything that completes work on them.
class Server {
 public:
  Server(ServerOptions options, Api& api, ops::Metrics& metrics);
  ~Server();  // stop()

  // Listens and serves. The error is a sentence for people.
  std::expected<void, std::string> start();

  // Reads certificate, key and authority anew, for handshakes from now on. Logs what came of it; files that cannot be
  // used change nothing. Any thread.
  void reload_tls();

  // Where it listens, once started.
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::vector<boost::asio::io_context*> contexts() const;

  // From now on each answer is the last one of its connection and says so. For drain_delay, until balancers have
  // noticed, new connections are accepted and idle ones stay open: closing one that a balancer is about to use would
  // fail a request. Then the listener closes, idle connections after drain_idle. Returns when all are closed or
  // drain_limit is over. stop() from another thread cuts it short.
  void drain();

  // Closes what is left and ends the threads. Idempotent.
  void stop();

 private:
  boost::asio::awaitable<void> accept_loop();
  // On the first loop's thread.
  void accept(Socket socket, IoLoop& loop);
  // Accepts connections that the kernel has established already, at most `limit` of them.
  boost::system::error_code accept_waiting(std::size_t limit);
  void close_listener();
  TlsContext tls();

  const ServerOptions options_;
  ServerState state_;
  std::vector<std::unique_ptr<IoLoop>> loops_;
  boost::asio::ip::tcp::acceptor acceptor_;  // on the first loop's thread
  std::size_t next_loop_ = 0;                // likewise: who serves the next connection
  std::uint16_t port_ = 0;

  std::mutex mutex_;
  // Under mutex_.
  std::condition_variable stop_asked_;
  bool stopping_ = false;
  TlsContext tls_;
};

}  // namespace tps::http
