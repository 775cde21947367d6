#include "auth/login.hpp"

#include <utility>

#include "auth/password.hpp"
#include "ops/log.hpp"
#include "service/refusal.hpp"

namespace tps::auth {
namespace {

using domain::Error;
using domain::ErrorCode;
using service::Answer;

// Failures only; whoever knows the password never waits.
constexpr std::chrono::seconds kPerAddress{1};
constexpr std::uint32_t kAddressBurst = 20;
constexpr std::chrono::seconds kPerName{10};
constexpr std::uint32_t kNameBurst = 5;

}  // namespace

service::Lane::Fly password_flight() {
  return [](std::span<service::LaneJob* const> jobs, service::Deadline) {
    for (service::LaneJob* const base : jobs) {
      auto& job = static_cast<PasswordJob&>(*base);
      job.good = verify_password(job.hash, job.password);
    }
  };
}

Login::Login(Options options, SigningKey key, service::Lane& lane, ops::Metrics& metrics)
    : options_(std::move(options)),
      key_(std::move(key)),
      lane_(lane),
      nobodys_hash_(hash_password("nobody")),
      by_address_(kPerAddress, kAddressBurst),
      by_name_(kPerName, kNameBurst),
      accepted_(metrics.login("accepted")),
      refused_(metrics.login("refused")),
      throttled_(metrics.login("throttled")) {}

void Login::replace(Users users) {
  const std::scoped_lock lock(mutex_);
  users_ = std::move(users);
}

std::optional<User> Login::find(const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = users_.find(name);
  return found == users_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Error> Login::throttle(const std::string& address, const std::string& who) {
  const auto now = std::chrono::steady_clock::now();
  for (const auto& decision : {by_address_.look(address, now), by_name_.look(who, now)}) {
    if (decision.allowed) continue;
    throttled_.Increment();
    return domain::too_many_requests(decision.retry_after, "too many failed logins");
  }
  return std::nullopt;
}

// A name that nobody has may be a password in the wrong field, so it is not logged.
Error Login::fail(const std::string& name, bool known, const std::string& address, const std::string& who) {
  const auto now = std::chrono::steady_clock::now();
  by_address_.take(address, now);
  by_name_.take(who, now);
  refused_.Increment();
  ops::log(ops::Level::warn, "login failed", {{"user", known ? name : "unknown"}, {"remote", address}});
  return {ErrorCode::unauthorized, "Incorrect username or password"};
}

boost::asio::awaitable<Answer<Grant>> Login::log_in(std::string name, std::string password,
                                                    std::optional<Scopes> wanted, std::string address,
                                                    service::Deadline deadline) {
  // From one address; otherwise anybody could lock a user out.
  const std::string who = address + ' ' + name;
  if (auto refused = throttle(address, who)) co_return std::unexpected(std::move(*refused));
  const std::optional<User> user = find(name);
  PasswordJob job;
  job.hash = user ? user->hash : nobodys_hash_;
  job.password = std::move(password);
  const service::LaneVerdict verdict = co_await lane_.submit(job, deadline);
  if (verdict != service::LaneVerdict::done) co_return std::unexpected(service::error_of(verdict));
  if (!user || !job.good) co_return std::unexpected(fail(name, user.has_value(), address, who));

  const auto now = std::chrono::system_clock::now();
  const Principal principal{.caller = {.principal = name, .only_user = user->only_user},
                            .scopes = wanted ? user->scopes.both(*wanted) : user->scopes,
                            .expires_at = now + options_.lifetime};
  accepted_.Increment();
  ops::log(ops::Level::info, "logged in", {{"user", name}, {"remote", address}});
  co_return Grant{issue_token(principal, key_, options_.rules, now), options_.lifetime, principal.scopes};
}

}  // namespace tps::auth
