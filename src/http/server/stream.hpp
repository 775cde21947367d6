// The byte stream of a session: a socket, or TLS over one.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>

#include "http/server/tls_context.hpp"

struct ssl_st;

namespace tps::http {

using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

// For one coroutine at a time, on the socket's thread; cancel() and close() may come in between. OpenSSL works on the
// socket itself and never waits, so a plain connection has nothing of TLS on its way but a null pointer.
class Stream {
 public:
  using Error = boost::system::error_code;
  // How many bytes went before the error.
  using Transfer = boost::asio::awaitable<std::tuple<Error, std::size_t>>;

  // Plain if `context` is null.
  Stream(Socket socket, const TlsContext& context);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  // Comes first where there is TLS. After a failure only end_sending() and discard() may be called.
  [[nodiscard]] bool is_tls() const { return tls_ != nullptr; }
  boost::asio::awaitable<Error> shake_hands();
  // The client has not begun with TLS but with HTTP, which go_plain() can answer; what it sent is gone.
  static bool is_plain_http(const Error& error);
  void go_plain();

  // eof: the client has ended its side in an orderly way, which with TLS it must say.
  Transfer read_some(boost::asio::mutable_buffer into);
  // As much of both as goes out without waiting. An error is found again by write().
  std::size_t write_now(std::string_view head, std::string_view body);
  // All of both.
  Transfer write(std::string_view head, std::string_view body);
  // The client sees that nothing more will come.
  boost::asio::awaitable<Error> end_sending();
  // Reads bytes and drops them.
  Transfer discard(boost::asio::mutable_buffer into);

  void cancel();
  void close();
  [[nodiscard]] std::string remote_address() const;

 private:
  struct FreeTls {
    void operator()(ssl_st* tls) const;
  };

  // Repeats a call of OpenSSL, which gives what it has done (> 0) or not, until it has done something.
  template <class Call>
  Transfer complete(Call call);
  Transfer read_decrypted(boost::asio::mutable_buffer into);
  Transfer write_encrypted(std::string_view head, std::string_view body);
  std::size_t write_encrypted_now(std::string_view bytes);

  Socket socket_;
  std::unique_ptr<ssl_st, FreeTls> tls_;
  bool established_ = false;  // there is an end to be announced
};

}  // namespace tps::http
