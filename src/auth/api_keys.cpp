#include "auth/api_keys.hpp"

#include <algorithm>
#include <utility>

#include "auth/api_key.hpp"
#include "lanes/look_up.hpp"
#include "lanes/refusal.hpp"

namespace tps::auth {
namespace {

constexpr std::chrono::milliseconds kBelieved{800};

SharedPrincipal principal_of(const ports::ApiKey& key) {
  Principal principal = make_principal(key.subject, key.only_user, Scopes::known_of(key.scopes));
  if (key.expires_at) principal.expires_at = *key.expires_at;
  return std::make_shared<const Principal>(std::move(principal));
}

}  // namespace

lanes::Lane::Fly key_flight(ports::KeyRegistry& registry, ops::Metrics& metrics) {
  const auto look_up = [&registry](std::span<const ports::KeyHash> hashes, ports::Deadline deadline) {
    return registry.find(hashes, deadline);
  };
  return lanes::look_up_flight(&KeyJob::hash, &KeyJob::found, look_up, metrics, "find_key");
}

boost::asio::awaitable<domain::Answer<SharedPrincipal>> ApiKeys::find(std::string_view text, ports::Deadline deadline) {
  const auto asked_at = std::chrono::steady_clock::now();
  KeyJob job;
  job.hash = hash_api_key(text);
  if (SharedPrincipal known = cache_.get(job.hash, asked_at)) co_return known;
  const lanes::LaneVerdict verdict = co_await lane_.submit(job, deadline);
  if (verdict != lanes::LaneVerdict::done) co_return std::unexpected(lanes::error_of(verdict));
  if (!job.found) co_return std::unexpected(lanes::error_of(job.found.error()));
  const std::optional<ports::ApiKey>& key = *job.found;
  const auto now = std::chrono::system_clock::now();
  if (!key || key->revoked_at || (key->expires_at && *key->expires_at <= now)) co_return nullptr;
  SharedPrincipal principal = principal_of(*key);
  auto until = asked_at + kBelieved;
  if (key->expires_at) until = std::min(until, asked_at + (*key->expires_at - now));
  cache_.put(job.hash, principal, until, 0);
  co_return principal;
}

}  // namespace tps::auth
