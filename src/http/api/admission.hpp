// The choke point's two questions about every request: may this caller do that, and not too often?
#pragma once

#include <boost/asio/awaitable.hpp>
#include <expected>
#include <optional>

#include "auth/gate.hpp"
#include "auth/login.hpp"
#include "auth/principal.hpp"
#include "auth/rate_limiter.hpp"
#include "http/headers/message.hpp"

namespace tps::http {

// The access rules: authentication and rates. A null member is not checked: without a gate every caller is admitted as
// anonymous.
struct Access {
  auth::Gate* gate = nullptr;
  auth::Login* login = nullptr;
  auth::RateLimiter* per_principal = nullptr;
  auth::RateLimiter* per_address = nullptr;
  // A server without authentication that only this machine can reach: requests that pages of other sites send through a
  // browser are rejected.
  bool this_machine_only = false;
};

// The token of "Authorization: Bearer TOKEN" (RFC 6750 section 2.1); nullopt when the request brings none, or anything
// else than one.
std::optional<std::string_view> bearer_token(const Request& request);

// The principal of every caller of a server without authentication; it has all rights.
const auth::SharedPrincipal& anonymous();

// The caller, if it may use a route of this scope; never null. The errors are unauthorized, forbidden, or why the store
// could not be asked.
boost::asio::awaitable<domain::Answer<auth::SharedPrincipal>> authorise(auth::Gate& gate, const Request& request,
                                                                        auth::Scope scope);

// forbidden, if the page of another site makes a browser on this machine send the request: by a link or a form, or
// under a host name that resolves to this machine (DNS rebinding). Only of a server
// without authentication; host names are checked where Access::this_machine_only.
std::optional<domain::Error> foreign_page(const Access& access, const Request& request);

// Takes one of what the address, and then of what the principal, may ask for; of the address once for a request. The
// error is too_many_requests.
std::optional<domain::Error> limit_address(const Access& access, Request& request);
// Counts the requests of a principal; the response says in the headers `RateLimit` and `RateLimit-Policy` how many are
// left (draft-ietf-httpapi-ratelimit-headers).
class PrincipalLimit {
 public:
  std::optional<domain::Error> take(const Access& access, const auth::Principal& principal);
  void add_headers(Response& response) const;

 private:
  const auth::RateLimiter* limiter_ = nullptr;  // null: nothing was asked
  auth::RateLimiter::Decision decision_;
};

}  // namespace tps::http
