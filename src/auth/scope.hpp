// The rights of a credential, as OAuth 2.0 scopes (RFC 6749 section 3.3).
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace tps::auth {

// transactions_write includes deposits and reversals, but for credentials of one user, which need the two scopes for
// them.
enum class Scope : std::uint8_t {
  transactions_read,
  transactions_write,
  transactions_deposit,
  transactions_reverse,
  accounts_read,
  accounts_write,
  admin
};

inline constexpr std::array kAllScopes{Scope::transactions_read,
                                       Scope::transactions_write,
                                       Scope::transactions_deposit,
                                       Scope::transactions_reverse,
                                       Scope::accounts_read,
                                       Scope::accounts_write,
                                       Scope::admin};

// "transactions:read" and the like.
std::string_view name_of(Scope scope);
std::optional<Scope> scope_of(std::string_view name);

class Scopes {
 public:
  static Scopes all();

  // Names separated by spaces or commas. The error is the first name that is no scope.
  static std::expected<Scopes, std::string> parse(std::string_view names);
  // The same, passing over names of which this program knows nothing: a token may be for other services too.
  static Scopes known_of(std::string_view names);

  void add(Scope scope) { bits_ |= bit(scope); }
  // `admin` has all.
  [[nodiscard]] bool has(Scope scope) const { return (bits_ & (bit(scope) | bit(Scope::admin))) != 0; }
  [[nodiscard]] bool empty() const { return bits_ == 0; }
  [[nodiscard]] Scopes both(Scopes other) const;  // the intersection

  // Names separated by spaces.
  [[nodiscard]] std::string text() const;

  bool operator==(const Scopes&) const = default;

 private:
  static constexpr std::uint8_t bit(Scope scope) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(scope));
  }
  std::uint8_t bits_ = 0;
};

}  // namespace tps::auth
