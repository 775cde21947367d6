#include "program/authentication.hpp"

#include <utility>
#include <vector>

#include "ops/log.hpp"
#include "program/signals.hpp"

namespace tps {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Outcome = std::expected<void, std::string>;

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

void log_reading(const char* setting, const Outcome& outcome) {
  if (outcome) {
    ops::log(ops::Level::info, "read again", {{"setting", setting}});
  } else {
    ops::log(ops::Level::error, "cannot be read again; the values read before stay in use",
             {{"setting", setting}, {"detail", outcome.error()}});
  }
}

std::expected<std::vector<auth::SigningKey>, std::string> read_keys_of(const AccessSettings& settings) {
  const std::string& path = settings.keys_file;
  if (path.empty()) return {};
  const auto text = read_text(path);
  if (!text) return std::unexpected("jwt-keys: " + text.error());
  auto keys = auth::read_keys(*text);
  if (!keys) return std::unexpected("jwt-keys: " + path + ": " + keys.error());
  return std::move(*keys);
}

std::expected<auth::Users, std::string> read_users_of(const AccessSettings& settings) {
  const std::string& path = settings.users_file;
  if (path.empty()) return {};
  const auto text = read_text(path);
  if (!text) return std::unexpected("users-file: " + text.error());
  auto users = auth::read_users(*text);
  if (!users) return std::unexpected("users-file: " + path + ": " + users.error());
  return std::move(*users);
}

}  // namespace

std::expected<Credentials, std::string> read_credentials(const AccessSettings& settings) {
  auto keys = read_keys_of(settings);
  if (!keys) return std::unexpected(keys.error());
  if (const std::string& ca_file = settings.keys_ca_file; !ca_file.empty()) {
    if (const auto read = read_text(ca_file); !read) return std::unexpected("jwt-keys-ca-file: " + read.error());
  }
  auto users = read_users_of(settings);
  if (!users) return std::unexpected(users.error());
  return Credentials{.keys = std::move(*keys), .users = std::move(*users)};
}

Authentication::Authentication(const AccessSettings& settings, Credentials credentials, const Engine& engine,
                               ops::Metrics& metrics)
    : settings_(settings) {
  limit(per_principal_, settings.requests_per_second);
  limit(per_address_, settings.requests_per_second_and_address);
  if (!settings.required) return;
  asking_.emplace(engine, settings.rules, metrics, [this] {
    if (key_url_) key_url_->ask();
  });
  if (!settings.keys_url.empty()) key_url_.emplace(settings.keys_url, settings.keys_ca_file, metrics);
  trust(std::move(credentials.keys));
  if (!settings.users_file.empty()) offer_login(std::move(credentials.users), metrics);
  const bool has_issuer = key_url_ || !settings.keys_file.empty();
  if (has_issuer && settings.rules.audience.empty()) {
    ops::log(ops::Level::warn, "jwt-audience is not set: tokens that the issuer makes for other services are accepted");
  }
  watch_files();
}

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

void Authentication::trust(std::vector<auth::SigningKey> keys) {
  if (settings_.secret) keys.push_back(*settings_.secret);
  if (settings_.previous_secret) keys.push_back(*settings_.previous_secret);
  asking_->keys.replace(std::move(keys));
}

// Without keys every token would be refused, so the server waits for some before it serves.
std::optional<Outcome> Authentication::await_keys() {
  if (!key_url_) return Outcome{};
  const auto give_up = std::chrono::steady_clock::now() + kFetchPatience;
  auto keys = key_url_->fetch();
  if (!keys) ops::log(ops::Level::warn, "waiting for keys of the token issuer", {{"detail", keys.error()}});
  while (!keys) {
    if (std::chrono::steady_clock::now() > give_up) {
      return std::unexpected("jwt-keys: gave up after " + std::to_string(kFetchPatience.count()) +
                             " s: " + keys.error());
    }
    if (wait_for_end(kFetchPause)) return std::nullopt;
    keys = key_url_->fetch();
  }
  trust(std::move(**keys));
  key_url_->start([this](std::vector<auth::SigningKey> newer) { trust(std::move(newer)); });
  return Outcome{};
}

Outcome Authentication::read_keys_again() {
  auto keys = read_keys_of(settings_);
  if (!keys) return std::unexpected(keys.error());
  trust(std::move(*keys));
  return {};
}

Outcome Authentication::read_users_again() {
  auto users = read_users_of(settings_);
  if (!users) return std::unexpected(users.error());
  login_->replace(std::move(*users));
  return {};
}

void Authentication::offer_login(auth::Users users, ops::Metrics& metrics) {
  password_lane_.emplace(
      lanes::LaneOptions{
          .name = "password", .capacity = kLoginsThatMayWait, .max_flight = 1, .budget = kPasswordBudget},
      metrics, auth::password_flight());
  const auth::Login::Options options{.rules = settings_.rules, .lifetime = settings_.token_lifetime};
  login_.emplace(options, *settings_.secret, *password_lane_, metrics);
  login_->replace(std::move(users));
}

void Authentication::watch_files() {
  if (!settings_.keys_file.empty()) {
    files_.add(settings_.keys_file, [this] { log_reading("jwt-keys", read_keys_again()); });
  }
  if (login_) {
    files_.add(settings_.users_file, [this] { log_reading("users-file", read_users_again()); });
  }
  files_.start();
}

http::Access Authentication::access() {
  return {.gate = asking_ ? &asking_->gate : nullptr,
          .login = login_ ? &*login_ : nullptr,
          .per_principal = per_principal_ ? &*per_principal_ : nullptr,
          .per_address = per_address_ ? &*per_address_ : nullptr,
          .this_machine_only = !asking_ && !settings_.insecure};
}

void Authentication::reload() {
  if (!asking_) return;
  if (key_url_) {
    key_url_->ask();
  } else {
    log_reading("jwt-keys", read_keys_again());
  }
  if (login_) log_reading("users-file", read_users_again());
}

void Authentication::stop() {
  if (key_url_) key_url_->stop();
  if (asking_) asking_->key_lane.stop();
  if (password_lane_) password_lane_->stop();
}

}  // namespace tps
