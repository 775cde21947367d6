// The listener's side of a TLS handshake: its certificate, and the client certificates that it accepts.
#pragma once

#include <expected>
#include <memory>
#include <string>

struct ssl_ctx_st;

namespace tps::http {

// PEM files by their paths. Certificate and key or neither; with `client_ca`, clients must have a certificate of it.
struct TlsFiles {
  std::string certificate;  // with the chain behind it
  std::string key;
  std::string client_ca;
};

// Null: no TLS. Immutable; a handshake keeps the one that it began with.
using TlsContext = std::shared_ptr<ssl_ctx_st>;

// Reads the files; null if there are none. The error is a sentence for people and begins with a setting's name.
std::expected<TlsContext, std::string> load_tls(const TlsFiles& files);

}  // namespace tps::http
