// Tokens for passwords: what POST /token does. Passwords are checked on a lane, which bounds what that costs, and who
// has failed too often waits.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "auth/login_throttle.hpp"
#include "auth/token.hpp"
#include "auth/users.hpp"
#include "domain/error.hpp"
#include "lanes/lane.hpp"
#include "ops/metrics.hpp"
#include "ports/fault.hpp"

namespace tps::auth {

// Guesses are counted where they are made, one after the other: those that come at once have no more than others.
struct PasswordJob final : lanes::LaneJob {
  explicit PasswordJob(LoginThrottle& guesses) : throttle(guesses) {}

  LoginThrottle& throttle;
  std::string client;
  std::string name;
  std::string password;
  std::string hash;  // a dummy, if there is no such user
  bool known = false;

  std::optional<std::chrono::seconds> wait;  // not looked at for so long
  bool good = false;
};

// The flight of the lane that checks passwords (PasswordJob); the lane must have one thread.
lanes::Lane::Fly password_flight();

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
  Login(Options options, SigningKey key, lanes::Lane& lane, ops::Metrics& metrics);

  void replace(Users users);

  // `wanted`: no more than these scopes. `address` is the client's. Errors: unauthorized, whether the name or the
  // password was wrong; too_many_requests; what the lane answers.
  boost::asio::awaitable<domain::Answer<Grant>> log_in(std::string name, std::string password,
                                                       std::optional<Scopes> wanted, std::string address,
                                                       ports::Deadline deadline);

 private:
  struct Found {
    User user;  // if there is none, a hash alone
    bool known = false;
  };
  [[nodiscard]] Found find(const std::string& name) const;
  domain::Error throttled(std::chrono::seconds wait);
  domain::Error fail(const std::string& name, bool known, const std::string& address);

  const Options options_;
  const SigningKey key_;
  lanes::Lane& lane_;
  LoginThrottle throttle_;
  prometheus::Counter& accepted_;
  prometheus::Counter& refused_;
  prometheus::Counter& throttled_;

  mutable std::mutex mutex_;
  // Under mutex_.
  Users users_;
  std::string nobodys_hash_;  // takes as long as the dearest real one
};

}  // namespace tps::auth
