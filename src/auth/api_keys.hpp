// The API keys of requests. The answer of the store about a key is cached for less than a second, so a revoked key is
// rejected by every instance within a second.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string_view>

#include "auth/credential_cache.hpp"
#include "auth/principal.hpp"
#include "domain/error.hpp"
#include "lanes/lane.hpp"
#include "ports/fault.hpp"
#include "ports/key_registry.hpp"

namespace tps::auth {

struct KeyJob final : lanes::LaneJob {
  ports::KeyHash hash{};
  ports::StoreResult<std::optional<ports::ApiKey>> found{std::nullopt};
};

// The flight of the lane that looks up keys (KeyJob).
lanes::Lane::Fly key_flight(ports::KeyRegistry& registry, ops::Metrics& metrics);

// Any IO thread may call.
class ApiKeys {
 public:
  explicit ApiKeys(lanes::Lane& lane) : lane_(lane) {}

  // nullptr: no such key, or it is revoked or expired. `text` has the form of a key.
  boost::asio::awaitable<domain::Answer<SharedPrincipal>> find(std::string_view text, ports::Deadline deadline);

 private:
  lanes::Lane& lane_;
  CredentialCache cache_{10'000};
};

}  // namespace tps::auth
