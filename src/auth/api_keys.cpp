#include "auth/api_keys.hpp"

#include <utility>
#include <vector>

#include "auth/api_key.hpp"
#include "service/refusal.hpp"

namespace tps::auth {
namespace {

constexpr std::chrono::milliseconds kBelieved{800};

SharedPrincipal principal_of(const service::ApiKey& key) {
  Principal principal{.caller = {.principal = key.subject, .only_user = key.only_user},
                      .scopes = Scopes::known_of(key.scopes)};
  if (key.expires_at) principal.expires_at = *key.expires_at;
  return std::make_shared<const Principal>(std::move(principal));
}

}  // namespace

service::Lane::Fly key_flight(service::KeyRegistry& registry, ops::Metrics& metrics) {
  auto& ok = metrics.store_operation("find_key", "ok");
  auto& unavailable = metrics.store_operation("find_key", "unavailable");
  return [&registry, &ok, &unavailable](std::span<service::LaneJob* const> jobs, service::Deadline deadline) {
    std::vector<service::KeyHash> hashes;
    hashes.reserve(jobs.size());
    for (service::LaneJob* const base : jobs) hashes.push_back(static_cast<KeyJob&>(*base).hash);
    auto found = registry.find(hashes, deadline);
    (found ? ok : unavailable).Increment();
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      auto& job = static_cast<KeyJob&>(*jobs[i]);
      if (found) {
        job.found = std::move((*found)[i]);
      } else {
        job.found = std::unexpected(found.error());
      }
    }
  };
}

boost::asio::awaitable<service::Answer<SharedPrincipal>> ApiKeys::find(std::string_view text,
                                                                       service::Deadline deadline) {
  const auto asked_at = std::chrono::steady_clock::now();
  KeyJob job;
  job.hash = hash_api_key(text);
  if (SharedPrincipal known = cache_.get(job.hash, asked_at)) co_return known;
  const service::LaneVerdict verdict = co_await lane_.submit(job, deadline);
  if (verdict != service::LaneVerdict::done) co_return std::unexpected(service::error_of(verdict));
  if (!job.found) co_return std::unexpected(service::error_of(job.found.error()));
  const std::optional<service::ApiKey>& key = *job.found;
  const auto now = std::chrono::system_clock::now();
  if (!key || key->revoked_at || (key->expires_at && *key->expires_at <= now)) co_return nullptr;
  SharedPrincipal principal = principal_of(*key);
  auto until = asked_at + kBelieved;
  if (key->expires_at) until = std::min(until, asked_at + (*key->expires_at - now));
  cache_.put(job.hash, principal, until, 0);
  co_return principal;
}

}  // namespace tps::auth
