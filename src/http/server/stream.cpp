#include "http/server/stream.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <limits>
#include <utility>

namespace tps::http {

namespace asio = boost::asio;

namespace {

constexpr auto kWithError = asio::as_tuple(asio::use_awaitable);

int as_size(std::size_t size) { return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max())); }

// After a call that OpenSSL can never complete.
Stream::Error failure_of(int reason) {
  const int system = errno;
  if (reason == SSL_ERROR_ZERO_RETURN) return asio::error::eof;
  // An attacker may have caused an end that was not announced (truncation).
  if (reason == SSL_ERROR_SYSCALL)
    return system == 0 ? Stream::Error(asio::error::connection_reset)
                       : Stream::Error(system, boost::system::system_category());
  return {static_cast<int>(ERR_get_error()), asio::error::get_ssl_category()};
}

}  // namespace

void Stream::FreeTls::operator()(ssl_st* tls) const { SSL_free(tls); }

Stream::Stream(Socket socket, const TlsContext& context) : socket_(std::move(socket)) {
  Error ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  if (!context) return;
  tls_.reset(SSL_new(context.get()));
  // Without memory for it the handshake fails, and so does the connection.
  if (!tls_ || SSL_set_fd(tls_.get(), socket_.native_handle()) != 1) socket_.close(ignored);
  if (tls_) SSL_set_accept_state(tls_.get());
}

Stream::~Stream() { close(); }

template <class Call>
Stream::Transfer Stream::complete(Call call) {
  for (;;) {
    // Once it is closed, its number may be another connection's.
    if (!socket_.is_open()) co_return std::tuple(Error(asio::error::operation_aborted), std::size_t{0});
    ERR_clear_error();
    errno = 0;
    const int done = call();
    if (done > 0) co_return std::tuple(Error(), static_cast<std::size_t>(done));
    const int reason = SSL_get_error(tls_.get(), done);
    if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) {
      const Error error = failure_of(reason);
      if (reason != SSL_ERROR_ZERO_RETURN) established_ = false;
      co_return std::tuple(error, std::size_t{0});
    }
    const auto awaited = reason == SSL_ERROR_WANT_READ ? Socket::wait_read : Socket::wait_write;
    const auto [error] = co_await socket_.async_wait(awaited, kWithError);
    if (error) co_return std::tuple(error, std::size_t{0});
  }
}

asio::awaitable<Stream::Error> Stream::shake_hands() {
  const auto [error, ignored] = co_await complete([this] { return SSL_do_handshake(tls_.get()); });
  established_ = !error;
  co_return error;
}

bool Stream::is_plain_http(const Error& error) {
  return error.category() == asio::error::get_ssl_category() &&
         ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_HTTP_REQUEST;
}

void Stream::go_plain() { tls_.reset(); }

Stream::Transfer Stream::read_some(asio::mutable_buffer into) {
  return tls_ ? read_decrypted(into) : socket_.async_read_some(into, kWithError);
}

// Waits first, so that a client who never stops sending leaves the thread to others in between.
Stream::Transfer Stream::read_decrypted(asio::mutable_buffer into) {
  if (SSL_has_pending(tls_.get()) != 0) {
    co_await asio::post(socket_.get_executor(), asio::use_awaitable);
  } else {
    const auto [error] = co_await socket_.async_wait(Socket::wait_read, kWithError);
    if (error) co_return std::tuple(error, std::size_t{0});
  }
  co_return co_await complete([this, into] { return SSL_read(tls_.get(), into.data(), as_size(into.size())); });
}

std::size_t Stream::write_now(std::string_view head, std::string_view body) {
  if (tls_) {
    const std::size_t sent = write_encrypted_now(head);
    return sent < head.size() ? sent : sent + write_encrypted_now(body);
  }
  Error ignored;
  if (body.empty()) return socket_.write_some(asio::buffer(head), ignored);
  return socket_.write_some(std::array{asio::buffer(head), asio::buffer(body)}, ignored);
}

std::size_t Stream::write_encrypted_now(std::string_view bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size() && socket_.is_open()) {
    ERR_clear_error();
    const int count = SSL_write(tls_.get(), bytes.data() + sent, as_size(bytes.size() - sent));
    if (count <= 0) break;
    sent += static_cast<std::size_t>(count);
  }
  return sent;
}

Stream::Transfer Stream::write(std::string_view head, std::string_view body) {
  if (tls_) return write_encrypted(head, body);
  return asio::async_write(socket_, std::array{asio::buffer(head), asio::buffer(body)}, kWithError);
}

Stream::Transfer Stream::write_encrypted(std::string_view head, std::string_view body) {
  std::size_t total = 0;
  for (std::string_view bytes : {head, body}) {
    while (!bytes.empty()) {
      const auto [error, count] =
          co_await complete([this, bytes] { return SSL_write(tls_.get(), bytes.data(), as_size(bytes.size())); });
      total += count;
      if (error) co_return std::tuple(error, total);
      bytes.remove_prefix(count);
    }
  }
  co_return std::tuple(Error(), total);
}

asio::awaitable<Stream::Error> Stream::end_sending() {
  if (std::exchange(established_, false)) {
    // 0: the end is announced, and the server does not wait for the client's answer.
    co_await complete([this] {
      const int done = SSL_shutdown(tls_.get());
      return done == 0 ? 1 : done;
    });
  }
  Error error;
  socket_.shutdown(Socket::shutdown_send, error);
  co_return error;
}

Stream::Transfer Stream::discard(asio::mutable_buffer into) { return socket_.async_read_some(into, kWithError); }

void Stream::cancel() {
  Error ignored;
  socket_.cancel(ignored);
}

void Stream::close() {
  if (std::exchange(established_, false) && socket_.is_open()) {
    ERR_clear_error();
    SSL_shutdown(tls_.get());
  }
  Error ignored;
  socket_.close(ignored);
}

std::string Stream::remote_address() const {
  Error ignored;
  const auto remote = socket_.remote_endpoint(ignored);
  return ignored ? std::string() : remote.address().to_string();
}

}  // namespace tps::http
