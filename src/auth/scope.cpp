#include "auth/scope.hpp"

#include <algorithm>

namespace tps::auth {
namespace {

constexpr std::string_view kSeparators = " ,\t";

// Cuts the next name off `rest`; empty at the end.
std::string_view next_name(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(kSeparators), rest.size()));
  const std::string_view name = rest.substr(0, rest.find_first_of(kSeparators));
  rest.remove_prefix(name.size());
  return name;
}

}  // namespace

std::string_view name_of(Scope scope) {
  switch (scope) {
    case Scope::transactions_read:
      return "transactions:read";
    case Scope::transactions_write:
      return "transactions:write";
    case Scope::transactions_deposit:
      return "transactions:deposit";
    case Scope::transactions_reverse:
      return "transactions:reverse";
    case Scope::accounts_read:
      return "accounts:read";
    case Scope::accounts_write:
      return "accounts:write";
    case Scope::admin:
      break;
  }
  return "admin";
}

std::optional<Scope> scope_of(std::string_view name) {
  for (const Scope scope : kAllScopes) {
    if (name_of(scope) == name) return scope;
  }
  return std::nullopt;
}

Scopes Scopes::all() {
  Scopes scopes;
  for (const Scope scope : kAllScopes) scopes.add(scope);
  return scopes;
}

std::expected<Scopes, std::string> Scopes::parse(std::string_view names) {
  Scopes scopes;
  for (std::string_view name = next_name(names); !name.empty(); name = next_name(names)) {
    const auto scope = scope_of(name);
    if (!scope) return std::unexpected(std::string(name));
    scopes.add(*scope);
  }
  return scopes;
}

Scopes Scopes::known_of(std::string_view names) {
  Scopes scopes;
  for (std::string_view name = next_name(names); !name.empty(); name = next_name(names)) {
    if (const auto scope = scope_of(name)) scopes.add(*scope);
  }
  return scopes;
}

Scopes Scopes::both(Scopes other) const {
  Scopes scopes;
  for (const Scope scope : kAllScopes) {
    if (has(scope) && other.has(scope)) scopes.add(scope);
  }
  return scopes;
}

std::string Scopes::text() const {
  std::string text;
  for (const Scope scope : kAllScopes) {
    if ((bits_ & bit(scope)) == 0) continue;
    if (!text.empty()) text += ' ';
    text += name_of(scope);
  }
  return text;
}

}  // namespace tps::auth
