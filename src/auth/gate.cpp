#include "auth/gate.hpp"

#include <algorithm>
#include <utility>

#include "auth/api_key.hpp"
#include "ops/log.hpp"

namespace tps::auth {
namespace {

using domain::Answer;

// So that a clock that is set back does not make a token good for longer.
constexpr std::chrono::minutes kVerifiedFor{5};

}  // namespace

Gate::Gate(Parts parts)
    : parts_(std::move(parts)),
      accepted_(parts_.metrics.authentication("accepted")),
      refused_(parts_.metrics.authentication("refused")) {}

boost::asio::awaitable<Answer<SharedPrincipal>> Gate::authenticate(std::string_view credential,
                                                                   ports::Deadline deadline) {
  if (!is_api_key(credential)) co_return verify(credential);
  auto found = co_await parts_.api_keys.find(credential, deadline);
  if (!found) co_return std::unexpected(std::move(found.error()));
  if (!*found) co_return refuse("API key");
  accepted_.Increment();
  co_return std::move(*found);
}

Answer<SharedPrincipal> Gate::verify(std::string_view token) {
  if (token.size() > kMaxTokenBytes) return refuse(name_of(TokenFlaw::malformed));
  CredentialCache& verified = parts_.keys.verified();
  const auto steady_now = std::chrono::steady_clock::now();
  const ports::Sha256 digest = ports::sha256(token);
  if (SharedPrincipal known = verified.get(digest, steady_now)) {
    accepted_.Increment();
    return known;
  }
  const std::uint64_t generation = verified.generation();
  const auto now = std::chrono::system_clock::now();
  auto principal = verify_token(token, *parts_.keys.current(), parts_.rules, now);
  // A key without an id that has been exchanged shows itself by a signature only.
  const bool of_no_key =
      !principal && (principal.error() == TokenFlaw::unknown_key || principal.error() == TokenFlaw::signature);
  if (of_no_key) parts_.unknown_key();
  if (!principal) return refuse(name_of(principal.error()));
  auto shared = std::make_shared<const Principal>(std::move(*principal));
  const auto left = std::min<CredentialCache::Time::duration>(shared->expires_at - now, kVerifiedFor);
  verified.put(digest, shared, steady_now + left, generation);
  accepted_.Increment();
  return shared;
}

Answer<SharedPrincipal> Gate::refuse(std::string_view why) {
  refused_.Increment();
  ops::log(ops::Level::debug, "credential refused", {{"why", why}});
  return std::unexpected(domain::Error{domain::ErrorCode::unauthorized, {}});
}

}  // namespace tps::auth
