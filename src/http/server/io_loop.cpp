#include "http/server/io_loop.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "http/server/response_writer.hpp"
#include "http/server/session.hpp"

namespace tps::http {

namespace asio = boost::asio;

IoLoop::IoLoop(ServerState& state) : state_(state) { tick(); }

IoLoop::~IoLoop() { join(); }

void IoLoop::start() {
  asio::co_spawn(context_, sweep(), asio::detached);
  thread_ = std::thread([this] { context_.run(); });
}

void IoLoop::serve(Socket socket, TlsContext tls, Slot slot) {
  asio::co_spawn(context_, Session::serve(state_, *this, std::move(socket), std::move(tls), std::move(slot)),
                 asio::detached);
}

void IoLoop::hurry_idle() {
  asio::post(context_, [this] {
    for (Session* session : sessions_) session->hurry(now_ + state_.options.drain_idle);
  });
}

void IoLoop::close_all() {
  asio::post(context_, [this] {
    for (Session* session : sessions_) session->close();
  });
}

void IoLoop::join() {
  context_.stop();
  if (thread_.joinable()) thread_.join();
}

IoLoop::Place IoLoop::add(Session& session) { return sessions_.insert(sessions_.end(), &session); }

void IoLoop::remove(Place place) { sessions_.erase(place); }

asio::awaitable<void> IoLoop::sweep() {
  asio::steady_timer timer(context_);
  for (;;) {
    tick();
    for (Session* session : sessions_) session->enforce_time_limit(now_);
    timer.expires_after(state_.options.sweep_interval);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

void IoLoop::tick() {
  now_ = std::chrono::steady_clock::now();
  const auto second = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (second == date_second_) return;
  date_second_ = second;
  date_ = http_date(second);
}

}  // namespace tps::http
