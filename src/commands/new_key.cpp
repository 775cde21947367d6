#include "commands/new_key.hpp"

#include <charconv>
#include <cstdint>
#include <vector>

#include "auth/principal.hpp"
#include "auth/scope.hpp"
#include "program/nearest.hpp"
#include "wire/utf8.hpp"

namespace tps {
namespace {

using std::chrono::days;
using std::chrono::minutes;

constexpr minutes kShortestLife{1};
constexpr minutes kLongestLife = days{3650};

std::optional<minutes> unit_of(std::string_view text) {
  if (text == "m") return minutes{1};
  if (text == "h") return std::chrono::hours{1};
  if (text == "d") return days{1};
  if (text == "y") return days{365};
  return std::nullopt;
}

bool is_name(std::string_view text) { return auth::is_name(text) && wire::is_utf8(text); }

std::expected<auth::Scopes, std::string> scopes_of(const std::string& names) {
  auto scopes = auth::Scopes::parse(names);
  if (scopes && !scopes->empty()) return *scopes;
  std::vector<std::string> known;
  known.reserve(auth::kAllScopes.size());
  for (const auth::Scope scope : auth::kAllScopes) known.emplace_back(auth::name_of(scope));
  if (!scopes) {
    const std::string hint = did_you_mean(scopes.error(), known);
    if (!hint.empty()) return std::unexpected("there is no scope " + scopes.error() + hint);
  }
  std::string error = scopes ? "expected some of " : "there is no scope " + scopes.error() + ", only ";
  for (const std::string& name : known) error += (name == known.front() ? "" : ", ") + name;
  return std::unexpected(std::move(error));
}

}  // namespace

std::optional<minutes> parse_lifetime(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{}) return std::nullopt;
  const auto unit = unit_of(text.substr(static_cast<std::size_t>(end - text.data())));
  if (!unit || count < 1 || count > kLongestLife / *unit) return std::nullopt;
  const minutes life = *unit * count;
  return life < kShortestLife ? std::nullopt : std::optional(life);
}

std::expected<ports::ApiKey, std::string> described_key(const NewKeyOptions& options, domain::Timestamp now) {
  static constexpr std::string_view kName = ": expected 1 to 128 bytes of UTF-8 without control characters";
  if (!is_name(options.subject)) return std::unexpected("--subject" + std::string(kName));
  const auto scopes = scopes_of(options.scopes);
  if (!scopes) return std::unexpected("--scopes: " + scopes.error());
  if (options.only_user && !is_name(*options.only_user)) return std::unexpected("--only-user" + std::string(kName));
  ports::ApiKey key{.id = {},
                    .subject = options.subject,
                    .scopes = scopes->text(),
                    .only_user = options.only_user,
                    .created_at = now,
                    .created_by = {}};
  if (options.expires_in) {
    const auto life = parse_lifetime(*options.expires_in);
    if (!life) return std::unexpected("--expires-in: expected 1m (a minute) to 10y, such as 12h or 90d");
    key.expires_at = now + *life;
  }
  return key;
}

}  // namespace tps
