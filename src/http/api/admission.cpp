#include "http/api/admission.hpp"

#include <algorithm>
#include <utility>

#include "auth/client_network.hpp"
#include "wire/ascii.hpp"

namespace tps::http {
namespace {

using domain::Error;
using domain::ErrorCode;

constexpr std::string_view kScheme = "Bearer ";

// No DNS can redirect an address, or localhost (RFC 6761 section 6.3). A name without a dot is one of this machine or
// its network, and no public DNS has it.
bool leads_here(std::string_view host) {
  if (host.starts_with('[')) return true;
  host = host.substr(0, host.rfind(':'));
  while (host.ends_with('.')) host.remove_suffix(1);
  const std::size_t dot = host.rfind('.');
  if (dot == std::string_view::npos) return !host.empty();
  const std::string_view last = host.substr(dot + 1);
  return wire::equal_ignoring_case(last, "localhost") || (!last.empty() && std::ranges::all_of(last, wire::is_digit));
}

}  // namespace

const auth::SharedPrincipal& anonymous() {
  static const auto kAnonymous = std::make_shared<const auth::Principal>(
      auth::Principal{.caller = {.principal = "anonymous"}, .scopes = auth::Scopes::all()});
  return kAnonymous;
}

std::optional<std::string_view> bearer_token(const Request& request) {
  const auto value = request.header("authorization");
  if (!value || request.header_count("authorization") != 1) return std::nullopt;
  if (!wire::equal_ignoring_case(value->substr(0, kScheme.size()), kScheme)) return std::nullopt;
  const std::string_view token = wire::trim(value->substr(kScheme.size()));
  if (token.empty() || !std::ranges::all_of(token, wire::is_visible)) return std::nullopt;
  return token;
}

boost::asio::awaitable<domain::Answer<auth::SharedPrincipal>> authorise(auth::Gate& gate, const Request& request,
                                                                        auth::Scope scope) {
  const auto token = bearer_token(request);
  if (!token) co_return std::unexpected(Error{ErrorCode::unauthorized, {}});
  auto principal = co_await gate.authenticate(*token, request.deadline);
  if (!principal) co_return std::unexpected(std::move(principal.error()));
  if (!(*principal)->scopes.has(scope)) {
    co_return std::unexpected(
        Error{ErrorCode::forbidden, "These credentials lack the scope " + std::string(name_of(scope))});
  }
  co_return std::move(*principal);
}

std::optional<Error> foreign_page(const Access& access, const Request& request) {
  if (!access.this_machine_only) return std::nullopt;
  // https://www.w3.org/TR/fetch-metadata: every browser says it, and no page can have it say another thing.
  const auto site = request.header("sec-fetch-site");
  const bool across = site && (*site == "cross-site" || *site == "same-site");
  const auto host = request.header("host");
  if (!across && (!host || leads_here(*host))) return std::nullopt;
  return Error{ErrorCode::forbidden,
               across ? "This server runs without authentication and rejects cross-site requests"
                      : "This server runs without authentication and accepts only a loopback Host header"};
}

std::optional<Error> limit_address(const Access& access, Request& request) {
  if (access.per_address == nullptr || std::exchange(request.address_counted, true)) return std::nullopt;
  const auto decision = access.per_address->take(auth::client_network(request.remote_address), request.received_at);
  if (decision.allowed) return std::nullopt;
  return domain::too_many_requests(decision.retry_after);
}

std::optional<Error> PrincipalLimit::take(const Access& access, const auth::Principal& principal) {
  if (access.per_principal == nullptr) return std::nullopt;
  limiter_ = access.per_principal;
  decision_ = access.per_principal->take(principal.caller.principal, std::chrono::steady_clock::now());
  if (decision_.allowed) return std::nullopt;
  return domain::too_many_requests(decision_.retry_after);
}

void PrincipalLimit::add_headers(Response& response) const {
  if (limiter_ == nullptr) return;
  response.headers.emplace_back("RateLimit-Policy", "\"principal\";q=" + std::to_string(limiter_->burst()) +
                                                        ";w=" + std::to_string(limiter_->window().count()));
  std::string state = "\"principal\";r=" + std::to_string(decision_.remaining);
  if (!decision_.allowed) state += ";t=" + std::to_string(decision_.retry_after.count());
  response.headers.emplace_back("RateLimit", std::move(state));
}

}  // namespace tps::http
