// Tokens for passwords: what POST /token does. Passwords are checked on a lane, which bounds what that costs, and who
// has failed too often waits.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "auth/rate_limiter.hpp"
#include "auth/token.hpp"
#include "auth/users.hpp"
#include "ops/metrics.hpp"
#include "service/lane.hpp"
#include "service/transactions.hpp"

namespace tps::auth {

struct PasswordJob final : service::LaneJob {
  std::string hash;
  std::string password;
  bool good = false;
};

// What the lane of the PasswordJobs does.
service::Lane::Fly password_flight();

struct Grant {
  std::string token;
  std::chrono::seconds lifetime;
  Scopes scopes;
};

// Any IO thread may call, and replace() any thread.
class Login {
 public:
  struct Options {
    TokenRules rules;
    std::chrono::seconds lifetime;
  };
  Login(Options options, SigningKey key, service::Lane& lane, ops::Metrics& metrics);

  void replace(Users users);

  // `wanted`: no more than these scopes. `address` is the client's. Errors: unauthorized, whether the name or the
  // password was wrong; too_many_requests; what the lane answers.
  boost::asio::awaitable<service::Answer<Grant>> log_in(std::string name, std::string password,
                                                        std::optional<Scopes> wanted, std::string address,
                                                        service::Deadline deadline);

 private:
  [[nodiscard]] std::optional<User> find(const std::string& name) const;
  std::optional<domain::Error> throttle(const std::string& address, const std::string& who);
  domain::Error fail(const std::string& name, bool known, const std::string& address, const std::string& who);

  const Options options_;
  const SigningKey key_;
  service::Lane& lane_;
  const std::string nobodys_hash_;  // takes as long as a real one
  RateLimiter by_address_;
  RateLimiter by_name_;
  prometheus::Counter& accepted_;
  prometheus::Counter& refused_;
  prometheus::Counter& throttled_;

  mutable std::mutex mutex_;
  Users users_;  // under mutex_
};

}  // namespace tps::auth
