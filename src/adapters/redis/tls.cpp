#include "adapters/redis/tls.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

namespace tps::redis {
namespace {

int as_size(std::size_t size) { return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max())); }

const char* last_reason() {
  const unsigned long error = ERR_peek_error();
  if (ERR_SYSTEM_ERROR(error)) return std::strerror(ERR_GET_REASON(error));
  const char* reason = ERR_reason_error_string(error);
  return reason == nullptr ? "no reason given" : reason;
}

// The outcome of a call of OpenSSL that returned `done`, which is above 0 if it did something.
Tls::Step outcome(ssl_st& session, int done) {
  const int system = errno;
  if (done > 0) return Tls::Progress{.bytes = static_cast<std::size_t>(done)};
  switch (SSL_get_error(&session, done)) {
    case SSL_ERROR_WANT_READ:
      return Tls::Progress{.wait = POLLIN};
    case SSL_ERROR_WANT_WRITE:
      return Tls::Progress{.wait = POLLOUT};
    case SSL_ERROR_ZERO_RETURN:
      return std::unexpected("Redis closed the connection");
    case SSL_ERROR_SYSCALL:
      return std::unexpected(
          fmt::format("TLS: {}", system == 0 ? "Redis closed the connection" : std::strerror(system)));
    default:
      break;
  }
  const long verified = SSL_get_verify_result(&session);
  if (verified == X509_V_OK) return std::unexpected(fmt::format("TLS: {}", last_reason()));
  return std::unexpected(
      fmt::format("the certificate of Redis is not good: {}", X509_verify_cert_error_string(verified)));
}

void begin_call() {
  ERR_clear_error();
  errno = 0;
}

// The name or address must be in the certificate.
bool expect_host(ssl_st* session, const std::string& host) {
  SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str()) == 1) return true;
  return SSL_set1_host(session, host.c_str()) == 1 && SSL_set_tlsext_host_name(session, host.c_str()) == 1;
}

}  // namespace

void Tls::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }
void Tls::Free::operator()(ssl_st* session) const { SSL_free(session); }

Tls::Tls(const Options& options) : host_(options.host) {
  if (!options.tls) return;
  begin_call();
  context_.reset(SSL_CTX_new(TLS_client_method()));
  if (!context_) {
    complaint_ = "no TLS to be had from OpenSSL";
    return;
  }
  SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const bool loaded = options.ca_file.empty() ? SSL_CTX_set_default_verify_paths(context_.get()) == 1
                                              : SSL_CTX_load_verify_file(context_.get(), options.ca_file.c_str()) == 1;
  if (!loaded) complaint_ = fmt::format("{}: no certificates in PEM form ({})", options.ca_file, last_reason());
}

std::expected<void, std::string> Tls::check() const {
  if (!complaint_.empty()) return std::unexpected(complaint_);
  return {};
}

std::expected<Tls::Session, std::string> Tls::start(int socket) const {
  if (auto usable = check(); !usable) return std::unexpected(usable.error());
  begin_call();
  Session session(SSL_new(context_.get()));
  if (!session || SSL_set_fd(session.get(), socket) != 1 || !expect_host(session.get(), host_)) {
    return std::unexpected(fmt::format("TLS: {}", last_reason()));
  }
  SSL_set_connect_state(session.get());
  return session;
}

Tls::Step Tls::shake_hands(ssl_st& session) {
  begin_call();
  return outcome(session, SSL_do_handshake(&session));
}

Tls::Step Tls::send(ssl_st& session, std::string_view bytes) {
  begin_call();
  return outcome(session, SSL_write(&session, bytes.data(), as_size(bytes.size())));
}

Tls::Step Tls::receive(ssl_st& session, std::span<char> into) {
  begin_call();
  return outcome(session, SSL_read(&session, into.data(), as_size(into.size())));
}

}  // namespace tps::redis
