// Every limit of the server, in one place.
#pragma once

#include <chrono>
#include <cstddef>

#include "http/server/endpoint.hpp"
#include "http/server/parser.hpp"
#include "http/server/tls_context.hpp"
#include "http/server/trusted_proxies.hpp"

namespace tps::http {

struct ServerOptions {
  Endpoint listen;  // port 0: any free one
  TlsFiles tls;
  unsigned io_threads = 1;
  std::size_t max_connections = 10'000;    // one more is answered 503 (not with TLS) and closed
  std::size_t connections_per_client = 0;  // the same; 0: no limit; trusted proxies have none
  // Above these: for one request each for /health, /readiness or /metrics, so that too many clients do not look like an
  // instance that is dead.
  std::size_t spare_connections = 64;
  std::chrono::milliseconds spare_timeout{1'000};  // of each wait for a client there

  TrustedProxies trusted_proxies;

  ParserLimits parser;
  std::size_t max_body_bytes = 512 * 1024 * 1024;  // of all large bodies together; one more is answered 503

  std::chrono::milliseconds header_timeout{10'000};  // first byte of a request to the end of its head; a TLS handshake
  std::chrono::milliseconds body_timeout{30'000};    // end of the head to the end of the body
  std::chrono::milliseconds idle_timeout{75'000};    // between requests
  std::chrono::milliseconds write_timeout{30'000};   // one answer
  std::chrono::milliseconds linger_timeout{2'000};   // reading on after the last answer, so that it arrives
  std::chrono::milliseconds sweep_interval{250};     // how often the above are looked at

  std::chrono::milliseconds drain_delay{0};       // still accepting while balancers see /readiness
  std::chrono::milliseconds drain_idle{500};      // then idle connections may send one last request for so long
  std::chrono::milliseconds drain_limit{20'000};  // then requests under way get so long
  std::chrono::milliseconds stop_limit{1'000};    // closing what is left
};

}  // namespace tps::http
