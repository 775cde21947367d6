#include "http/api/admission.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <utility>

#include "auth/client_network.hpp"
#include "wire/ascii.hpp"

namespace tps::http {
namespace {

using domain::Error;
using domain::ErrorCode;

constexpr std::string_view kScheme = "Bearer ";

// 0.0.0.0 and [::], also as ::ffff:0.0.0.0.
bool is_unspecified(const boost::asio::ip::address& address) {
  if (address.is_v4() || !address.to_v6().is_v4_mapped()) return address.is_unspecified();
  return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6()).is_unspecified();
}

// No DNS can redirect an address, or localhost (RFC 6761 section 6.3). A name without a dot is one of this machine or
// its network, and no public DNS has it. The unspecified addresses are no names of this machine: browsers connect to it
// under http://0.0.0.0, but do not say that the page is from elsewhere.
bool leads_here(std::string_view host) {
  std::string_view name = host.substr(0, host.starts_with('[') ? host.find(']') : host.rfind(':'));
  if (name.starts_with('[')) name.remove_prefix(1);
  while (name.ends_with('.')) name.remove_suffix(1);
  boost::system::error_code no_address;
  const auto address = boost::asio::ip::make_address(name, no_address);
  if (!no_address) return !is_unspecified(address);
  const std::string_view last = name.substr(name.rfind('.') + 1);
  if (last.empty() || wire::is_digit(last.front())) return false;  // "0", "0x0": an address in another spelling
  return last.size() == name.size() || wire::equal_ignoring_case(last, "localhost");
}

// Whether `origin` (RFC 6454 section 7) is that of the addressed host.
bool is_own_origin(std::string_view origin, std::string_view authority) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (wire::equal_ignoring_case(origin.substr(0, scheme.size()), scheme)) {
      return wire::equal_ignoring_case(origin.substr(scheme.size()), authority);
    }
  }
  return false;
}

// https://www.w3.org/TR/fetch-metadata: a page cannot change Sec-Fetch-Site or Origin. Browsers send the first one only
// to addresses that they trust, and the second one with every request that is not a plain GET.
bool is_cross_site(const Access& access, const Request& request) {
  const auto site = request.header("sec-fetch-site");
  if (site && *site != "same-origin" && *site != "none") return true;
  const auto origin = request.header("origin");
  if (!origin) return false;
  // A proxy may have changed the Host; then the browser's word is enough.
  if (site && !access.this_machine_only) return false;
  return request.header_count("origin") > 1 || !is_own_origin(*origin, request.authority);
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
  if (access.gate != nullptr) return std::nullopt;
  if (is_cross_site(access, request)) {
    return Error{ErrorCode::forbidden, "This server runs without authentication and rejects cross-site requests"};
  }
  const bool names_host = !request.authority.empty() || request.header("host");
  if (access.this_machine_only && names_host && !leads_here(request.authority)) {
    return Error{ErrorCode::forbidden,
                 "This server runs without authentication and accepts only a loopback Host header"};
  }
  return std::nullopt;
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
