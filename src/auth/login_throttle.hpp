// Makes a client wait after too many failed logins. Only failures count: a client that knows its password never waits.
// Any thread may call.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "auth/rate_limiter.hpp"

namespace tps::auth {

class LoginThrottle {
 public:
  LoginThrottle();

  // How long until this client may guess again; nullopt: now.
  std::optional<std::chrono::seconds> wait(const std::string& client, const std::string& name);
  void failed(const std::string& client, const std::string& name);

 private:
  RateLimiter by_client_;
  RateLimiter by_name_;  // per client, or an attacker could lock a user out
};

}  // namespace tps::auth
