// Asks a server whether it is ready, as the health check of a container does.
#pragma once

#include <optional>

#include "http/server/endpoint.hpp"
#include "http/server/tls_context.hpp"

namespace tps::http {

// The status of GET /readiness at `endpoint` (an unspecified address means the loopback address), over TLS if `files`
// has a certificate. nullopt: no HTTP response within 5 seconds. Blocks.
std::optional<int> probe_readiness(Endpoint endpoint, const TlsFiles& files);

}  // namespace tps::http
