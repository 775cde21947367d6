// Everything that decides who may call, built from the configuration.
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
#include "http/api/handlers.hpp"
#include "lanes/lane.hpp"
#include "program/config.hpp"
#include "program/engine.hpp"
#include "program/file_watch.hpp"

namespace tps {

// Whether callers are asked who they are.
bool asks_who_calls(const Config& config);

// What is wrong with serving `listen` like that: only this machine may be served without asking. Also warns.
std::expected<void, std::string> check_exposure(const Config& config, const std::string& listen);

class Authentication {
 public:
  // Reads keys and users; what is wrong with them is the error. `engine` and `metrics` must outlive it.
  static std::expected<std::unique_ptr<Authentication>, std::string> make(const Config& config, const Engine& engine,
                                                                          ops::Metrics& metrics);

  // The keys of an issuer that publishes them, which may take a minute if it is away; the error says why there are
  // none. nullopt: told to end meanwhile.
  std::optional<std::expected<void, std::string>> await_keys();

  // Lives as long as this object.
  [[nodiscard]] http::Access access();

  // Reads keys and users again; what cannot be read stays as it was.
  void reload();

  void stop();  // its lanes

 private:
  // What is only there where somebody is asked.
  struct Asking {
    Asking(const Engine& engine, const auth::TokenRules& rules, ops::Metrics& metrics,
           std::function<void()> unknown_key);

    auth::TrustedKeys keys;
    const std::unique_ptr<ports::KeyRegistry> registry;
    lanes::Lane key_lane;
    auth::ApiKeys api_keys;
    auth::Gate gate;
  };

  explicit Authentication(const Config& config);

  // What is read from the configuration's files; the error is a sentence.
  std::expected<void, std::string> read_keys();
  std::expected<void, std::string> read_secrets();
  void trust(std::vector<auth::SigningKey> keys);  // these and the secrets
  std::expected<void, std::string> know_key_url(ops::Metrics& metrics);
  std::expected<void, std::string> read_users();
  std::expected<void, std::string> offer_login(ops::Metrics& metrics);
  void watch_files();

  const Config& config_;
  const auth::TokenRules rules_;
  std::vector<auth::SigningKey> secrets_;
  std::optional<Asking> asking_;
  std::optional<lanes::Lane> password_lane_;
  std::optional<auth::Login> login_;
  std::optional<auth::RateLimiter> per_principal_;
  std::optional<auth::RateLimiter> per_address_;
  std::optional<auth::KeyUrl> key_url_;
  FileWatch files_;  // last: its thread uses the others
};

}  // namespace tps
