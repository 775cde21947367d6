// Who is it? Every credential of every request is judged here, and what was wrong with one is for operators only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string_view>

#include "auth/api_keys.hpp"
#include "auth/principal.hpp"
#include "auth/token.hpp"
#include "auth/trusted_keys.hpp"
#include "domain/error.hpp"
#include "ops/metrics.hpp"
#include "ports/fault.hpp"

namespace tps::auth {

class Gate {
 public:
  // All must outlive this object.
  struct Parts {
    TrustedKeys& keys;
    TokenRules rules;
    ApiKeys& api_keys;
    ops::Metrics& metrics;
    // Called when no key that is there fits a token; on any IO thread.
    std::function<void()> unknown_key = [] {};
  };
  explicit Gate(Parts parts);

  // `credential` is the token of "Authorization: Bearer" (RFC 6750 section 2.1): an API key or a JWT. Errors:
  // unauthorized, or why the store could not be asked. Any IO thread may call.
  boost::asio::awaitable<domain::Answer<SharedPrincipal>> authenticate(std::string_view credential,
                                                                       ports::Deadline deadline);

 private:
  domain::Answer<SharedPrincipal> verify(std::string_view token);
  domain::Answer<SharedPrincipal> refuse(std::string_view why);

  const Parts parts_;
  prometheus::Counter& accepted_;
  prometheus::Counter& refused_;
};

}  // namespace tps::auth
