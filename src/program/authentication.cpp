#include "program/authentication.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>
#include <vector>

#include "http/server/server.hpp"
#include "ops/log.hpp"
#include "program/signals.hpp"

namespace tps {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Outcome = std::expected<void, std::string>;

// Each of these switches asking on.
constexpr std::array kAsking{"jwt-keys",   "jwt-secret",   "jwt-previous-secret",
                             "jwt-issuer", "jwt-audience", "users-file"};
constexpr milliseconds kKeyBudget{2'000};
constexpr milliseconds kPasswordBudget{1'000};
constexpr std::size_t kLoginsThatMayWait = 16;
constexpr seconds kFetchPatience{60};
constexpr milliseconds kFetchPause{1'000};
constexpr std::uint32_t kRateWindowSeconds = 10;
constexpr std::size_t kMostFileBytes = 1024 * 1024;

std::expected<std::string, std::string> read_text(const std::string& path) {
  auto text = read_file(path);
  if (text && text->size() > kMostFileBytes) return std::unexpected(path + " is too large");
  return text;
}

void limit(std::optional<auth::RateLimiter>& limiter, std::int64_t per_second) {
  if (per_second == 0) return;
  limiter.emplace(std::chrono::nanoseconds(seconds(1)) / per_second,
                  static_cast<std::uint32_t>(per_second) * kRateWindowSeconds);
}

void tell(const char* what, const Outcome& outcome) {
  if (outcome) {
    ops::log(ops::Level::info, "read again", {{"what", what}});
  } else {
    ops::log(ops::Level::error, "not read again; what was there stays", {{"what", what}, {"why", outcome.error()}});
  }
}

}  // namespace

bool asks_who_calls(const Config& config) {
  return config.toggle("auth") ||
         std::ranges::any_of(kAsking, [&](const char* name) { return !config.text(name).empty(); });
}

Outcome check_exposure(const Config& config, const std::string& listen) {
  // Whoever gives one of them wants to ask; nothing in it, such as in a Secret that was left out, must not mean nobody.
  for (const char* name : kAsking) {
    if (config.value(name).source == "default" || !config.text(name).empty()) continue;
    return std::unexpected(std::string(name) + " (" + config.value(name).source + "): is given, but empty");
  }
  if (asks_who_calls(config)) return {};
  const auto endpoint = http::parse_endpoint(listen);
  if (!endpoint || endpoint->address().is_loopback()) return {};
  if (!config.toggle("insecure-no-auth")) {
    return std::unexpected("listen: " + listen +
                           " can be reached from other machines, and nobody is asked who calls; configure jwt-keys, "
                           "jwt-secret, users-file or auth (docs/security.md), or say --insecure-no-auth");
  }
  ops::log(ops::Level::warn, "insecure-no-auth: whoever reaches this address may move all money", {{"listen", listen}});
  return {};
}

std::expected<std::unique_ptr<Authentication>, std::string> Authentication::make(const Config& config,
                                                                                 const Engine& engine,
                                                                                 ops::Metrics& metrics) {
  std::unique_ptr<Authentication> made(new Authentication(config));
  limit(made->per_principal_, config.number("rate-limit"));
  limit(made->per_address_, config.number("address-rate-limit"));
  if (!asks_who_calls(config)) return made;
  made->asking_.emplace(engine, made->rules_, metrics, [self = made.get()] {
    if (self->key_url_) self->key_url_->ask();
  });
  if (auto secrets = made->read_secrets(); !secrets) return std::unexpected(secrets.error());
  if (auto known = made->know_key_url(metrics); !known) return std::unexpected(known.error());
  if (auto read = made->read_keys(); !read) return std::unexpected(read.error());
  if (auto offered = made->offer_login(metrics); !offered) return std::unexpected(offered.error());
  if (!config.text("jwt-keys").empty() && config.text("jwt-audience").empty()) {
    ops::log(ops::Level::warn, "jwt-audience is not set: tokens that the issuer makes for others are taken too");
  }
  made->watch_files();
  return made;
}

Authentication::Authentication(const Config& config)
    : config_(config), rules_{.issuer = config.text("jwt-issuer"), .audience = config.text("jwt-audience")} {}

Authentication::Asking::Asking(const Engine& engine, const auth::TokenRules& rules, ops::Metrics& metrics,
                               std::function<void()> unknown_key)
    : registry(engine.keys()),
      key_lane({.name = "key", .capacity = 10'000, .max_flight = 500, .budget = kKeyBudget}, metrics,
               auth::key_flight(*registry, metrics)),
      api_keys(key_lane),
      gate({.keys = keys,
            .rules = rules,
            .api_keys = api_keys,
            .metrics = metrics,
            .unknown_key = std::move(unknown_key)}) {}

Outcome Authentication::read_secrets() {
  for (const char* name : {"jwt-secret", "jwt-previous-secret"}) {
    const std::string& secret = config_.text(name);
    if (secret.empty()) continue;
    auto key = auth::SigningKey::of_secret("", secret);
    if (!key) return std::unexpected(std::string(name) + ": " + key.error());
    secrets_.push_back(std::move(*key));
  }
  return {};
}

void Authentication::trust(std::vector<auth::SigningKey> keys) {
  std::ranges::copy(secrets_, std::back_inserter(keys));
  asking_->keys.replace(std::move(keys));
}

Outcome Authentication::know_key_url(ops::Metrics& metrics) {
  const std::string& url = config_.text("jwt-keys");
  if (!auth::KeyUrl::is_url(url)) {
    if (!url.contains("://")) return {};
    return std::unexpected("jwt-keys: expected a file or an https:// URL, not " + url.substr(0, url.find(':')) +
                           ":...");
  }
  // It would be in every log; and who writes a password with a slash in it writes the @ behind that.
  if (url.substr(0, url.find_first_of("?#")).contains('@')) {
    return std::unexpected("jwt-keys: a URL with a user or a password is not taken");
  }
  const std::string& ca_file = config_.text("jwt-keys-ca-file");
  if (const auto read = read_text(ca_file); !ca_file.empty() && !read) {
    return std::unexpected("jwt-keys-ca-file: " + read.error());
  }
  key_url_.emplace(url, ca_file, metrics);
  return {};
}

// Without keys it would refuse whoever comes, so there must be some before it serves.
std::optional<Outcome> Authentication::await_keys() {
  if (!key_url_) return Outcome{};
  const auto give_up = std::chrono::steady_clock::now() + kFetchPatience;
  auto keys = key_url_->fetch();
  if (!keys) ops::log(ops::Level::warn, "waiting for keys", {{"detail", keys.error()}});
  while (!keys) {
    if (std::chrono::steady_clock::now() > give_up) return std::unexpected("jwt-keys: " + keys.error());
    if (wait_for_end(kFetchPause)) return std::nullopt;
    keys = key_url_->fetch();
  }
  trust(std::move(**keys));
  key_url_->start([this](std::vector<auth::SigningKey> newer) { trust(std::move(newer)); });
  return Outcome{};
}

Outcome Authentication::read_keys() {
  if (key_url_) return {};
  std::vector<auth::SigningKey> keys;
  if (const std::string& path = config_.text("jwt-keys"); !path.empty()) {
    const auto text = read_text(path);
    if (!text) return std::unexpected("jwt-keys: " + text.error());
    auto read = auth::read_keys(*text);
    if (!read) return std::unexpected("jwt-keys: " + path + ": " + read.error());
    keys = std::move(*read);
  }
  trust(std::move(keys));
  return {};
}

Outcome Authentication::read_users() {
  const std::string& path = config_.text("users-file");
  const auto text = read_text(path);
  if (!text) return std::unexpected("users-file: " + text.error());
  auto users = auth::read_users(*text);
  if (!users) return std::unexpected("users-file: " + path + ": " + users.error());
  login_->replace(std::move(*users));
  return {};
}

Outcome Authentication::offer_login(ops::Metrics& metrics) {
  if (config_.text("users-file").empty()) return {};
  auto key = auth::SigningKey::of_secret("", config_.text("jwt-secret"));
  if (!key) return std::unexpected("users-file: tokens are signed with jwt-secret: " + key.error());
  password_lane_.emplace(
      lanes::LaneOptions{
          .name = "password", .capacity = kLoginsThatMayWait, .max_flight = 1, .budget = kPasswordBudget},
      metrics, auth::password_flight());
  const auth::Login::Options options{.rules = rules_, .lifetime = seconds(config_.number("token-lifetime"))};
  login_.emplace(options, std::move(*key), *password_lane_, metrics);
  return read_users();
}

void Authentication::watch_files() {
  if (!key_url_ && !config_.text("jwt-keys").empty()) {
    files_.add(config_.text("jwt-keys"), [this] { tell("jwt-keys", read_keys()); });
  }
  if (login_) {
    files_.add(config_.text("users-file"), [this] { tell("users-file", read_users()); });
  }
  files_.start();
}

http::Access Authentication::access() {
  return {.gate = asking_ ? &asking_->gate : nullptr,
          .login = login_ ? &*login_ : nullptr,
          .per_principal = per_principal_ ? &*per_principal_ : nullptr,
          .per_address = per_address_ ? &*per_address_ : nullptr,
          .this_machine_only = !asking_ && !config_.toggle("insecure-no-auth")};
}

void Authentication::reload() {
  if (!asking_) return;
  if (key_url_) {
    key_url_->ask();
  } else {
    tell("jwt-keys", read_keys());
  }
  if (login_) tell("users-file", read_users());
}

void Authentication::stop() {
  if (key_url_) key_url_->stop();
  if (asking_) asking_->key_lane.stop();
  if (password_lane_) password_lane_->stop();
}

}  // namespace tps
