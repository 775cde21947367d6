// The choke point's two questions about every request: may this caller do that, and not too often?
#pragma once

#include <boost/asio/awaitable.hpp>
#include <expected>
#include <optional>

#include "auth/principal.hpp"
#include "auth/rate_limiter.hpp"
#include "http/api/handlers.hpp"
#include "http/headers/message.hpp"

namespace tps::http {

// The token of "Authorization: Bearer TOKEN" (RFC 6750 section 2.1); nullopt when the request brings none, or anything
// else than one.
std::optional<std::string_view> bearer_token(const Request& request);

// Whoever calls where nobody is asked who he is; may do everything.
const auth::SharedPrincipal& anonymous();

// The caller, if it may use a route of this scope; never null. The errors are unauthorized, forbidden, or why the store
// could not be asked.
boost::asio::awaitable<domain::Answer<auth::SharedPrincipal>> authorise(auth::Gate& gate, const Request& request,
                                                                        auth::Scope scope);

// forbidden, if a page of somebody else has a browser on this machine ask: by a link or a form across sites, or under a
// name of its own that leads here (DNS rebinding). Only where Access::this_machine_only.
std::optional<domain::Error> foreign_page(const Access& access, const Request& request);

// Takes one of what the address, and then of what the principal, may ask for; of the address once for a request. The
// error is too_many_requests.
std::optional<domain::Error> limit_address(const Access& access, Request& request);
// What is left is told in the headers `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).
class PrincipalLimit {
 public:
  std::optional<domain::Error> take(const Access& access, const auth::Principal& principal);
  void tell(Response& response) const;

 private:
  const auth::RateLimiter* limiter_ = nullptr;  // null: nothing was asked
  auth::RateLimiter::Decision decision_;
};

}  // namespace tps::http
