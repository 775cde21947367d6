// Authentication, login and rate limits, built from the settings.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/api_keys.hpp"
#include "auth/gate.hpp"
#include "auth/key_url.hpp"
#include "auth/login.hpp"
#include "auth/rate_limiter.hpp"
#include "auth/trusted_keys.hpp"
#include "auth/users.hpp"
#include "http/api/admission.hpp"
#include "lanes/lane.hpp"
#include "program/engine.hpp"
#include "program/file_watch.hpp"
#include "program/settings.hpp"

namespace tps {

// The contents of the files that the settings name.
struct Credentials {
  std::vector<auth::SigningKey> keys;
  auth::Users users;
};

// Reads the files. The error begins with a setting's name.
std::expected<Credentials, std::string> read_credentials(const AccessSettings& settings);

class Authentication {
 public:
  // `credentials` are those of the settings. Everything else that is given must outlive this object.
  Authentication(const AccessSettings& settings, Credentials credentials, const Engine& engine, ops::Metrics& metrics);
  Authentication(const Authentication&) = delete;
  Authentication& operator=(const Authentication&) = delete;

  // Fetches the keys of an issuer that publishes them, for up to 60 seconds while it cannot be reached; the error says
  // why there are none. nullopt: a signal ended the wait.
  std::optional<std::expected<void, std::string>> await_keys();

  // Lives as long as this object.
  [[nodiscard]] http::Access access();

  // Reads keys and users again; what cannot be read stays as it was.
  void reload();

  void stop();  // its lanes

 private:
  // Exists only with authentication.
  struct Asking {
    Asking(const Engine& engine, const auth::TokenRules& rules, ops::Metrics& metrics,
           std::function<void()> unknown_key);

    auth::TrustedKeys keys;
    const std::unique_ptr<ports::KeyRegistry> registry;
    lanes::Lane key_lane;
    auth::ApiKeys api_keys;
    auth::Gate gate;
  };

  void trust(std::vector<auth::SigningKey> keys);  // these and the secrets
  void offer_login(auth::Users users, ops::Metrics& metrics);
  std::expected<void, std::string> read_keys_again();
  std::expected<void, std::string> read_users_again();
  void watch_files();

  const AccessSettings& settings_;
  std::optional<Asking> asking_;
  std::optional<lanes::Lane> password_lane_;
  std::optional<auth::Login> login_;
  std::optional<auth::RateLimiter> per_principal_;
  std::optional<auth::RateLimiter> per_address_;
  std::optional<auth::KeyUrl> key_url_;
  FileWatch files_;  // last: its thread uses the others
};

}  // namespace tps
