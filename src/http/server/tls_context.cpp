#include "http/server/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

namespace tps::http {
namespace {

using Loaded = std::expected<void, std::string>;

// Our server's own certificate is a client's, too, if the client has its key: `tps health` asks the instance that it
// stands beside. A holder of that key can do worse than that.
int verify_client(X509_STORE_CTX* chain, void*) {
  const auto* tls = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  if (X509_cmp(X509_STORE_CTX_get0_cert(chain), SSL_get_certificate(tls)) != 0) return X509_verify_cert(chain);
  X509_STORE_CTX_set_error(chain, X509_V_OK);
  return 1;
}

// A client of another protocol is rejected before its bytes could be taken for HTTP (RFC 7301 section 3.2).
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned offered_size, void*) {
  static constexpr unsigned char kOurs[] = "\x08http/1.1\x08http/1.0";
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, size, kOurs, sizeof kOurs - 1, offered, offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

// A key with a passphrase is rejected: a server has no terminal to ask for it.
int no_passphrase(char*, int, int, void*) { return -1; }

TlsContext make_context() {
  TlsContext context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return context;
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_security_level(context.get(), 2);
  // RFC 9325 section 4.1: with forward secrecy, and no CBC. TLS 1.3 has no others.
  SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // A write continues where it stopped, even if its buffer has moved; idle connections keep no buffers.
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context.get(), 1);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // tickets, which cost us no memory
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  SSL_CTX_set_default_passwd_cb(context.get(), no_passphrase);
  return context;
}

std::unexpected<std::string> cannot(std::string_view setting, const std::string& path, std::string_view why) {
  return std::unexpected(std::string(setting) + ": " + path + ": " + std::string(why));
}

// The most telling of what OpenSSL has to say is what it said first.
std::string because(const std::string& what) {
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  return reason == nullptr ? what : what + " (" + reason + ")";
}

Loaded check_readable(std::string_view setting, const std::string& path) {
  const std::ifstream file(path);
  if (!file) return cannot(setting, path, std::strerror(errno));
  return {};
}

Loaded load_identity(SSL_CTX* context, const TlsFiles& files) {
  if (auto readable = check_readable("tls-certificate", files.certificate); !readable) return readable;
  if (auto readable = check_readable("tls-key", files.key); !readable) return readable;
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    return cannot("tls-certificate", files.certificate, because("has no certificate in PEM form that can be used"));
  }
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) == 1) return {};
  if (ERR_GET_LIB(ERR_peek_last_error()) == ERR_LIB_X509) {
    return cannot("tls-key", files.key, "is not the key of the certificate in " + files.certificate);
  }
  return cannot("tls-key", files.key, because("has no key in PEM form without a passphrase"));
}

Loaded load_client_ca(SSL_CTX* context, const std::string& path) {
  if (auto readable = check_readable("tls-client-ca", path); !readable) return readable;
  if (SSL_CTX_load_verify_file(context, path.c_str()) != 1) {
    return cannot("tls-client-ca", path, because("has no certificates in PEM form"));
  }
  SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(path.c_str()));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context, verify_client, nullptr);
  // A session is taken up again only where it was begun.
  static constexpr unsigned char kHere[] = "tps";
  SSL_CTX_set_session_id_context(context, kHere, sizeof kHere - 1);
  return {};
}

}  // namespace

std::expected<TlsContext, std::string> load_tls(const TlsFiles& files) {
  if (files.certificate.empty() != files.key.empty()) {
    return std::unexpected(files.key.empty() ? "tls-certificate: needs tls-key, too"
                                             : "tls-key: needs tls-certificate, too");
  }
  if (files.certificate.empty()) {
    if (files.client_ca.empty()) return TlsContext{};
    return std::unexpected("tls-client-ca: needs tls-certificate and tls-key, too");
  }
  ERR_clear_error();
  TlsContext context = make_context();
  if (!context) return std::unexpected("tls-certificate: no TLS to be had from OpenSSL");
  auto loaded = load_identity(context.get(), files);
  if (loaded && !files.client_ca.empty()) loaded = load_client_ca(context.get(), files.client_ca);
  ERR_clear_error();
  if (!loaded) return std::unexpected(loaded.error());
  return context;
}

}  // namespace tps::http
