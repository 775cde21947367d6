// TLS on the socket of a connection to Redis, which must be certified, and for the host that was asked for. Nothing
// here waits: that is the connection's business, which knows the deadline.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "adapters/redis/url.hpp"

struct ssl_ctx_st;
struct ssl_st;

namespace tps::redis {

class Tls {
 public:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
    void operator()(ssl_st* session) const;
  };
  using Session = std::unique_ptr<ssl_st, Free>;

  // The bytes that a call has moved; none, if the socket must become ready first.
  struct Progress {
    std::size_t bytes = 0;
    short wait = 0;  // POLLIN or POLLOUT; 0: done
  };
  using Step = std::expected<Progress, std::string>;

  // Reads options.ca_file, if TLS is wanted at all.
  explicit Tls(const Options& options);

  // Without the authorities there will be no session; the error says why.
  [[nodiscard]] std::expected<void, std::string> check() const;

  // On a connected socket that does not block. The socket remains the caller's, and must outlive the session.
  [[nodiscard]] std::expected<Session, std::string> start(int socket) const;

  // The error is a sentence for operators; the session is of no more use then.
  static Step shake_hands(ssl_st& session);
  static Step send(ssl_st& session, std::string_view bytes);
  static Step receive(ssl_st& session, std::span<char> into);

 private:
  const std::string host_;
  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::string complaint_;
};

}  // namespace tps::redis
