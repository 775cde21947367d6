// A client that speaks TLS in exactly the way a test wants.
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/certificates.hpp"

namespace tps::http {

struct TlsClientOptions {
  std::string ca{};           // trusted CA; empty: any certificate is accepted
  std::string certificate{};  // shown, with its key
  std::string key{};
  int highest_version = TLS1_3_VERSION;
  std::string ciphers{};    // of TLS 1.2, in OpenSSL's words
  std::string protocols{};  // of ALPN, each behind its length
};

// Blocks, for ten seconds at most.
class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port, const TlsClientOptions& options = {}) : socket_(context_) {
    socket_.connect({boost::asio::ip::address_v4::loopback(), port});
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(socket_.native_handle(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    tls_context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_security_level(tls_context_.get(), 0);  // so that old versions are offered at all
    SSL_CTX_set_min_proto_version(tls_context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(tls_context_.get(), options.highest_version);
    if (!options.ciphers.empty()) SSL_CTX_set_cipher_list(tls_context_.get(), options.ciphers.c_str());
    if (!options.ca.empty()) {
      SSL_CTX_load_verify_file(tls_context_.get(), options.ca.c_str());
      SSL_CTX_set_verify(tls_context_.get(), SSL_VERIFY_PEER, nullptr);
    }
    if (!options.certificate.empty()) {
      SSL_CTX_use_certificate_chain_file(tls_context_.get(), options.certificate.c_str());
      SSL_CTX_use_PrivateKey_file(tls_context_.get(), options.key.c_str(), SSL_FILETYPE_PEM);
    }
    tls_.reset(SSL_new(tls_context_.get()));
    const auto* protocols = reinterpret_cast<const unsigned char*>(options.protocols.data());
    SSL_set_alpn_protos(tls_.get(), protocols, static_cast<unsigned>(options.protocols.size()));
    SSL_set1_host(tls_.get(), "localhost");
    SSL_set_fd(tls_.get(), socket_.native_handle());
    ERR_clear_error();
    shaken_ = SSL_connect(tls_.get()) == 1;
  }

  // With TLS 1.3 a server that refuses the client's certificate says so later, instead of an answer.
  [[nodiscard]] bool shaken() const { return shaken_; }
  [[nodiscard]] std::string version() const { return SSL_get_version(tls_.get()); }
  [[nodiscard]] std::string protocol() const {
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(tls_.get(), &chosen, &size);
    return {reinterpret_cast<const char*>(chosen), size};
  }

  TlsClient& send(std::string_view bytes) {
    if (shaken_ && !bytes.empty()) SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()));
    return *this;
  }
  // Says that nothing more will come.
  TlsClient& end() {
    SSL_shutdown(tls_.get());
    return *this;
  }
  // Ends the connection without saying so.
  TlsClient& cut() {
    socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send);
    return *this;
  }
  // Everything until the server ends it; "<cut>" or "<alert>" at the end if that was not orderly.
  std::string rest() {
    std::string bytes = std::exchange(pending_, {});
    while (read(bytes)) continue;
    return bytes;
  }
  // Up to and including the first occurrence of `mark`.
  std::string until(std::string_view mark) {
    while (pending_.find(mark) == std::string::npos) {
      if (!read(pending_)) return std::exchange(pending_, {}) + "<end>";
    }
    const std::size_t end = pending_.find(mark) + mark.size();
    std::string bytes = pending_.substr(0, end);
    pending_.erase(0, end);
    return bytes;
  }

 private:
  bool read(std::string& into) {
    if (!shaken_) return false;
    char piece[16 * 1024];
    ERR_clear_error();
    const int count = SSL_read(tls_.get(), piece, sizeof piece);
    if (count > 0) {
      into.append(piece, static_cast<std::size_t>(count));
      return true;
    }
    const int why = SSL_get_error(tls_.get(), count);
    if (why == SSL_ERROR_ZERO_RETURN) return false;
    const int reason = ERR_GET_REASON(ERR_peek_error());
    into += why == SSL_ERROR_SSL && reason != SSL_R_UNEXPECTED_EOF_WHILE_READING ? "<alert>" : "<cut>";
    return false;
  }

  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* tls) const { SSL_free(tls); }
  };

  boost::asio::io_context context_;
  boost::asio::ip::tcp::socket socket_;
  std::unique_ptr<SSL_CTX, Free> tls_context_;
  std::unique_ptr<SSL, Free> tls_;
  std::string pending_;
  bool shaken_ = false;
};

}  // namespace tps::http
