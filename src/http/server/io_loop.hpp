// One IO thread: an io_context, the connections that live on it, and one timer that enforces all their time limits
// (a timer per request would cost more than the request).
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <list>
#include <string>
#include <string_view>
#include <thread>

#include "http/api/api.hpp"
#include "http/server/connections.hpp"
#include "http/server/server_options.hpp"
#include "http/server/stream.hpp"
#include "ops/metrics.hpp"

namespace tps::http {

class Session;

inline ServerOptions in_spare_places(ServerOptions options) {
  options.header_timeout = options.body_timeout = options.idle_timeout = options.write_timeout =
      options.linger_timeout = options.spare_timeout;
  return options;
}

// The state that all connections share. Outlives them.
struct ServerState {
  const ServerOptions& options;
  Api& api;
  ops::Metrics& metrics;
  Connections connections;
  const ServerOptions spare_options = in_spare_places(options);
  std::atomic<std::size_t> body_bytes = 0;  // large bodies under way, by what they may grow to
  std::atomic<bool> draining = false;       // every answer is the last one of its connection
  std::atomic<bool> closing = false;        // and idle connections are closed soon
};

class IoLoop {
 public:
  explicit IoLoop(ServerState& state);
  ~IoLoop();  // join()

  // Any thread.
  boost::asio::io_context& context() { return context_; }
  void start();
  // Takes a connection that entered state.connections.
  void serve(Socket socket, TlsContext tls, Slot slot);
  void hurry_idle();  // idle connections may stay for drain_idle
  void close_all();
  void join();  // stops the context and its thread

  // For sessions, on the loop's thread.
  using Place = std::list<Session*>::iterator;
  Place add(Session& session);
  void remove(Place place);
  // As of the last sweep: good enough for time limits.
  [[nodiscard]] std::chrono::steady_clock::time_point now() const { return now_; }
  [[nodiscard]] std::string_view date() const { return date_; }

 private:
  boost::asio::awaitable<void> sweep();
  void tick();

  ServerState& state_;
  // On the loop's thread only.
  std::list<Session*> sessions_;
  std::chrono::steady_clock::time_point now_;
  std::chrono::sys_seconds date_second_{};
  std::string date_;

  boost::asio::io_context context_{1};  // after what its coroutines use when they are destroyed
  std::thread thread_;
};

}  // namespace tps::http
