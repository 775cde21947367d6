#include "http/server/server.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <future>

#include "auth/client_network.hpp"
#include "http/api/routes.hpp"
#include "http/headers/request_id.hpp"
#include "http/server/response_writer.hpp"
#include "ops/log.hpp"

namespace tps::http {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds kAcceptPause{100};  // when the process is out of descriptors, say
// A wake-up takes as long as all connections that have something to do; new ones must not wait for one each.
constexpr std::size_t kAcceptsPerWakeUp = 64;

// Too many clients must not take the spare places: who has sent a request by now has said what for.
bool may_be_for_operators(Socket& socket) {
  std::array<char, 128> start{};
  boost::system::error_code error;
  socket.non_blocking(true, error);
  const std::size_t size = socket.receive(asio::buffer(start), tcp::socket::message_peek, error);
  if (error) return error == asio::error::would_block;
  const std::string_view text(start.data(), size);
  const std::size_t target = std::min(text.find(' '), size - 1) + 1;
  const std::size_t end = text.find_first_of(" ?", target);
  return end == std::string_view::npos ? size < start.size() : for_operators(text.substr(target, end - target));
}

// "" if clients are not counted.
std::string counted_client(const ServerOptions& options, const Socket& socket) {
  if (options.connections_per_client == 0) return {};
  boost::system::error_code error;
  const auto remote = socket.remote_endpoint(error);
  if (error) return {};
  const std::string address = remote.address().to_string();
  return options.trusted_proxies.trusts(address) ? std::string() : auth::client_network(address);
}

}  // namespace

Server::Server(ServerOptions options, Api& api, ops::Metrics& metrics)
    : options_(std::move(options)),
      state_{options_, api, metrics,
             Connections({.all = options_.max_connections,
                          .spare = options_.spare_connections,
                          .per_client = options_.connections_per_client})},
      loops_([this] {
        std::vector<std::unique_ptr<IoLoop>> loops;
        loops.reserve(std::max(1U, options_.io_threads));
        for (unsigned i = 0; i < std::max(1U, options_.io_threads); ++i)
          loops.push_back(std::make_unique<IoLoop>(state_));
        return loops;
      }()),
      acceptor_(loops_.front()->context()) {
  metrics.connections_limit.Set(static_cast<double>(options_.max_connections));
}

Server::~Server() { stop(); }

std::expected<void, std::string> Server::start() {
  const Endpoint& listen = options_.listen;
  auto tls = load_tls(options_.tls);
  if (!tls) return std::unexpected(tls.error());
  tls_ = std::move(*tls);
  try {
    acceptor_.open(listen.protocol());
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    if (listen.address().is_v6()) acceptor_.set_option(asio::ip::v6_only(false));
    acceptor_.bind(listen);
    acceptor_.listen(asio::socket_base::max_listen_connections);
    acceptor_.non_blocking(true);
    port_ = acceptor_.local_endpoint().port();
  } catch (const boost::system::system_error& error) {
    return std::unexpected("listen: cannot listen on " + text_of(listen) + ": " + error.code().message());
  }
  asio::co_spawn(loops_.front()->context(), accept_loop(), asio::detached);
  for (const auto& loop : loops_) loop->start();
  return {};
}

std::vector<asio::io_context*> Server::contexts() const {
  std::vector<asio::io_context*> contexts;
  contexts.reserve(loops_.size());
  for (const auto& loop : loops_) contexts.push_back(&loop->context());
  return contexts;
}

asio::awaitable<void> Server::accept_loop() {
  asio::steady_timer pause(loops_.front()->context());
  while (acceptor_.is_open()) {
    co_await acceptor_.async_wait(tcp::acceptor::wait_read, kAsTuple);
    const auto error = accept_waiting(kAcceptsPerWakeUp);
    if (error && acceptor_.is_open()) {
      ops::log(ops::Level::error, "cannot accept connections", {{"detail", error.message()}});
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(kAsTuple);
    }
  }
}

void Server::accept(Socket socket, IoLoop& loop) {
  TlsContext context = tls();
  Slot regular{.spare = false, .client = counted_client(options_, socket)};
  if (state_.connections.enter(regular)) {
    loop.serve(std::move(socket), std::move(context), std::move(regular));
    return;
  }
  // The route of a request is unknown before the handshake.
  Slot spare{.spare = true, .client = {}};
  if ((context || may_be_for_operators(socket)) && state_.connections.enter(spare)) {
    loop.serve(std::move(socket), std::move(context), std::move(spare));
    return;
  }
  state_.metrics.connections_refused.Increment();
  if (context) return;  // a handshake would cost more than the connection that there is no room for
  Request nobody;
  set_request_id(nobody);
  nobody.received_at = std::chrono::steady_clock::now();
  const Response response =
      state_.api.refuse({domain::ErrorCode::overloaded, "Too many connections; nothing was added"}, nobody);
  std::string bytes;
  append_head(bytes, response, nobody, ConnectionNote::close, loops_.front()->date());
  bytes += response.body;
  boost::system::error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(bytes), ignored);
  // The server must read the bytes that the client has sent, or closing would reset the connection and lose the
  // response.
  std::array<char, 4096> unwanted{};
  socket.read_some(asio::buffer(unwanted), ignored);
  socket.shutdown(tcp::socket::shutdown_both, ignored);
}

boost::system::error_code Server::accept_waiting(std::size_t limit) {
  for (std::size_t i = 0; i < limit; ++i) {
    IoLoop& loop = *loops_[next_loop_];
    Socket socket(loop.context());
    boost::system::error_code error;
    acceptor_.accept(socket, error);
    if (error == asio::error::connection_aborted) continue;
    if (error == asio::error::would_block) break;
    if (error) return error;
    next_loop_ = (next_loop_ + 1) % loops_.size();
    accept(std::move(socket), loop);
  }
  return {};
}

void Server::close_listener() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
}

TlsContext Server::tls() {
  if (options_.tls.certificate.empty()) return nullptr;
  const std::scoped_lock lock(mutex_);
  return tls_;
}

void Server::reload_tls() {
  if (options_.tls.certificate.empty()) return;
  auto loaded = load_tls(options_.tls);
  if (!loaded) {
    ops::log(ops::Level::error, "the TLS files cannot be used; the old ones stay", {{"detail", loaded.error()}});
    return;
  }
  {
    const std::scoped_lock lock(mutex_);
    tls_ = std::move(*loaded);
  }
  ops::log(ops::Level::info, "new TLS certificate", {{"file", options_.tls.certificate}});
}

void Server::drain() {
  state_.draining = true;
  {
    std::unique_lock lock(mutex_);
    if (stop_asked_.wait_for(lock, options_.drain_delay, [this] { return stopping_; })) return;
  }
  const auto closed = std::make_shared<std::promise<void>>();
  asio::post(loops_.front()->context(), [this, closed] {
    // When a listener closes, the kernel resets established connections that the server has not accepted.
    if (const auto error = accept_waiting(options_.max_connections)) {
      ops::log(ops::Level::warn, "connections that waited at the end are reset", {{"detail", error.message()}});
    }
    close_listener();
    closed->set_value();
  });
  closed->get_future().wait_for(options_.stop_limit);
  state_.closing = true;
  for (const auto& loop : loops_) loop->hurry_idle();
  state_.connections.wait_for_none(options_.drain_limit);
}

void Server::stop() {
  {
    const std::scoped_lock lock(mutex_);
    if (std::exchange(stopping_, true)) return;
  }
  stop_asked_.notify_all();
  asio::post(loops_.front()->context(), [this] { close_listener(); });
  state_.draining = true;
  state_.closing = true;
  for (const auto& loop : loops_) loop->close_all();
  state_.connections.wait_for_none(options_.stop_limit);
  for (const auto& loop : loops_) loop->join();
}

}  // namespace tps::http
