#include "auth/token.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "wire/base64url.hpp"

namespace tps::auth {
namespace {

using simdjson::dom::element;
using std::chrono::seconds;

constexpr seconds kSkew{60};
// A wall clock cannot hold every number of seconds; this is the year 2200.
constexpr double kLatest = 7'258'118'400;

using Members = std::map<std::string_view, element, std::less<>>;

// nullopt unless `encoded` is a JSON object in which no name comes twice (RFC 7519 section 4).
std::optional<Members> read_object(simdjson::dom::parser& parser, std::string_view encoded) {
  const auto json = wire::from_base64url(encoded);
  simdjson::dom::object object;
  if (!json || parser.parse(*json).get(object) != simdjson::SUCCESS) return std::nullopt;
  Members members;
  for (const auto& [name, value] : object) {
    if (!members.emplace(name, value).second) return std::nullopt;
  }
  return members;
}

template <class T>
std::optional<T> get(const Members& members, std::string_view name) {
  T value{};
  const auto found = members.find(name);
  if (found == members.end() || found->second.get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

// Header members that name another key or demand features that this verifier does not have.
constexpr std::array<std::string_view, 7> kRefusedHeaders{"crit", "jku", "jwk", "x5u", "x5c", "b64", "zip"};

struct Header {
  Algorithm algorithm;
  std::optional<std::string_view> key_id;
};

std::optional<Header> read_header(const Members& members) {
  for (const std::string_view name : kRefusedHeaders) {
    if (members.contains(name)) return std::nullopt;
  }
  if (members.contains("typ")) {
    const auto type = get<std::string_view>(members, "typ");
    if (type != "JWT" && type != "jwt" && type != "at+jwt") return std::nullopt;
  }
  Header header{};
  header.key_id = get<std::string_view>(members, "kid");
  if (members.contains("kid") && !header.key_id) return std::nullopt;
  const auto stated = get<std::string_view>(members, "alg");
  for (const Algorithm algorithm : {Algorithm::hs256, Algorithm::rs256, Algorithm::es256}) {
    if (stated != name_of(algorithm)) continue;
    header.algorithm = algorithm;
    return header;
  }
  return std::nullopt;
}

// A NumericDate, within what a clock can hold.
std::optional<WallTime> time_of(const Members& claims, std::string_view name) {
  const auto number = get<double>(claims, name);
  if (!number || !std::isfinite(*number) || *number < 0) return std::nullopt;
  return WallTime(std::chrono::floor<WallTime::duration>(std::chrono::duration<double>(std::min(*number, kLatest))));
}

bool is_now(const Members& claims, WallTime now) {
  const auto expires = time_of(claims, "exp");
  if (!expires || now >= *expires + kSkew) return false;
  static constexpr std::array<std::string_view, 2> kBeginnings{"nbf", "iat"};
  return std::ranges::all_of(kBeginnings, [&](std::string_view name) {
    if (!claims.contains(name)) return true;
    const auto begins = time_of(claims, name);
    return begins && now >= *begins - kSkew;
  });
}

bool is_meant_for(const Members& claims, const std::string& audience) {
  if (audience.empty() || get<std::string_view>(claims, "aud") == audience) return true;
  const auto several = get<simdjson::dom::array>(claims, "aud");
  if (!several) return false;
  return std::any_of(several->begin(), several->end(), [&](element one) {
    std::string_view text;
    return one.get(text) == simdjson::SUCCESS && text == audience;
  });
}

std::expected<Principal, TokenFlaw> read_claims(const Members& claims, const TokenRules& rules, WallTime now) {
  if (!is_now(claims, now)) return std::unexpected(TokenFlaw::not_now);
  if (!rules.issuer.empty() && get<std::string_view>(claims, "iss") != rules.issuer) {
    return std::unexpected(TokenFlaw::issuer);
  }
  if (!is_meant_for(claims, rules.audience)) return std::unexpected(TokenFlaw::audience);
  const auto subject = get<std::string_view>(claims, "sub");
  if (!subject || !is_name(*subject)) return std::unexpected(TokenFlaw::claims);
  std::optional<std::string> only_user;
  if (claims.contains("tps_user")) {
    const auto user = get<std::string_view>(claims, "tps_user");
    if (!user || !is_name(*user)) return std::unexpected(TokenFlaw::claims);
    only_user = std::string(*user);
  }
  Scopes allowed;
  if (claims.contains("scope")) {
    const auto scopes = get<std::string_view>(claims, "scope");
    if (!scopes) return std::unexpected(TokenFlaw::claims);
    allowed = Scopes::known_of(*scopes);
  }
  Principal principal = make_principal(std::string(*subject), std::move(only_user), allowed);
  principal.expires_at = *time_of(claims, "exp") + kSkew;
  return principal;
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", c);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::int64_t seconds_of(WallTime time) { return std::chrono::duration_cast<seconds>(time.time_since_epoch()).count(); }

}  // namespace

std::string_view name_of(TokenFlaw flaw) {
  switch (flaw) {
    case TokenFlaw::malformed:
      return "malformed";
    case TokenFlaw::header:
      return "header";
    case TokenFlaw::unknown_key:
      return "unknown key";
    case TokenFlaw::signature:
      return "signature";
    case TokenFlaw::not_now:
      return "expired or not valid yet";
    case TokenFlaw::issuer:
      return "issuer";
    case TokenFlaw::audience:
      return "audience";
    case TokenFlaw::claims:
      break;
  }
  return "claims";
}

std::expected<Principal, TokenFlaw> verify_token(std::string_view token, const KeySet& keys, const TokenRules& rules,
                                                 WallTime now) {
  const std::size_t first = token.find('.');
  const std::size_t second = token.find('.', first + 1);
  if (token.size() > kMaxTokenBytes || first == std::string_view::npos || second == std::string_view::npos) {
    return std::unexpected(TokenFlaw::malformed);
  }
  const auto signature = wire::from_base64url(token.substr(second + 1));
  simdjson::dom::parser header_parser;
  const auto header_members = read_object(header_parser, token.substr(0, first));
  if (!signature || !header_members) return std::unexpected(TokenFlaw::malformed);
  const auto header = read_header(*header_members);
  if (!header) return std::unexpected(TokenFlaw::header);

  const auto candidates = keys.candidates(header->algorithm, header->key_id);
  if (candidates.empty()) return std::unexpected(TokenFlaw::unknown_key);
  const auto signed_it = [&](const SigningKey* key) { return key->verify(token.substr(0, second), *signature); };
  if (std::ranges::none_of(candidates, signed_it)) return std::unexpected(TokenFlaw::signature);

  simdjson::dom::parser claims_parser;
  const auto claims = read_object(claims_parser, token.substr(first + 1, second - first - 1));
  if (!claims) return std::unexpected(TokenFlaw::malformed);
  return read_claims(*claims, rules, now);
}

std::string issue_token(const Principal& principal, const SigningKey& key, const TokenRules& rules, WallTime now) {
  const std::string kid = key.id().empty() ? "" : R"(,"kid":)" + json_string(key.id());
  std::string claims =
      fmt::format(R"({{"sub":{},"iat":{},"exp":{},"scope":{})", json_string(principal.caller.principal),
                  seconds_of(now), seconds_of(principal.expires_at), json_string(principal.scopes.text()));
  if (principal.caller.only_user) claims += R"(,"tps_user":)" + json_string(*principal.caller.only_user);
  if (!rules.issuer.empty()) claims += R"(,"iss":)" + json_string(rules.issuer);
  if (!rules.audience.empty()) claims += R"(,"aud":)" + json_string(rules.audience);
  claims += '}';
  const std::string token =
      wire::to_base64url(fmt::format(R"({{"alg":"{}","typ":"JWT"{}}})", name_of(key.algorithm()), kid)) + '.' +
      wire::to_base64url(claims);
  const std::string signature = wire::to_base64url(key.sign(token));
  return token + '.' + signature;
}

}  // namespace tps::auth
