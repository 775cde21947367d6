#include "auth/login.hpp"

#include <algorithm>
#include <utility>

#include "auth/client_network.hpp"
#include "auth/password.hpp"
#include "lanes/refusal.hpp"
#include "ops/log.hpp"
#include "ports/fault.hpp"

namespace tps::auth {
namespace {

using domain::Answer;
using domain::Error;
using domain::ErrorCode;

std::string dearest_hash(const Users& users) {
  const auto cost = [](const auto& user) { return cost_of_hash(user.second.hash); };
  const auto dearest = std::ranges::max_element(users, {}, cost);
  return dearest == users.end() ? hash_password("nobody") : dearest->second.hash;
}

}  // namespace

lanes::Lane::Fly password_flight() {
  return [](std::span<lanes::LaneJob* const> jobs, ports::Deadline) {
    for (lanes::LaneJob* const base : jobs) {
      auto& job = static_cast<PasswordJob&>(*base);
      job.wait = job.throttle.wait(job.client, job.name);
      if (job.wait) continue;
      job.good = verify_password(job.hash, job.password) && job.known;
      if (!job.good) job.throttle.failed(job.client, job.name);
    }
  };
}

Login::Login(Options options, SigningKey key, lanes::Lane& lane, ops::Metrics& metrics)
    : options_(std::move(options)),
      key_(std::move(key)),
      lane_(lane),
      accepted_(metrics.login("accepted")),
      refused_(metrics.login("refused")),
      throttled_(metrics.login("throttled")) {}

void Login::replace(Users users) {
  std::string hash = dearest_hash(users);
  const std::scoped_lock lock(mutex_);
  users_ = std::move(users);
  nobodys_hash_ = std::move(hash);
}

Login::Found Login::find(const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  const auto found = users_.find(name);
  if (found == users_.end()) return {.user = {.hash = nobodys_hash_, .scopes = {}, .only_user = {}}, .known = false};
  return {.user = found->second, .known = true};
}

Error Login::throttled(std::chrono::seconds wait) {
  throttled_.Increment();
  return domain::too_many_requests(wait, "too many failed logins");
}

// An unknown user name may be a password in the wrong field, so it is not logged.
Error Login::fail(const std::string& name, bool known, const std::string& address) {
  refused_.Increment();
  ops::log(ops::Level::warn, "login failed", {{"user", known ? name : "unknown"}, {"remote", address}});
  return {ErrorCode::unauthorized, "Incorrect username or password"};
}

boost::asio::awaitable<Answer<Grant>> Login::log_in(std::string name, std::string password,
                                                    std::optional<Scopes> wanted, std::string address,
                                                    ports::Deadline deadline) {
  const std::string client = client_network(address);
  // Checked here, too, so that a throttled client takes no place in the lane.
  if (const auto wait = throttle_.wait(client, name)) co_return std::unexpected(throttled(*wait));
  const Found found = find(name);
  PasswordJob job(throttle_);
  job.client = client;
  job.name = name;
  job.password = std::move(password);
  job.hash = found.user.hash;
  job.known = found.known;
  const lanes::LaneVerdict verdict = co_await lane_.submit(job, deadline);
  if (verdict != lanes::LaneVerdict::done) co_return std::unexpected(lanes::error_of(verdict));
  if (job.wait) co_return std::unexpected(throttled(*job.wait));
  if (!job.good) co_return std::unexpected(fail(name, found.known, address));

  const auto now = std::chrono::system_clock::now();
  const Principal principal{.caller = {.principal = name, .only_user = found.user.only_user},
                            .scopes = wanted ? found.user.scopes.both(*wanted) : found.user.scopes,
                            .expires_at = now + options_.lifetime};
  accepted_.Increment();
  ops::log(ops::Level::info, "logged in", {{"user", name}, {"remote", address}});
  co_return Grant{issue_token(principal, key_, options_.rules, now), options_.lifetime, principal.scopes};
}

}  // namespace tps::auth
