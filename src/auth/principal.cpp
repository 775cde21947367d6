#include "auth/principal.hpp"

#include <utility>

#include "domain/transaction.hpp"

namespace tps::auth {

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= domain::kMaxUserIdBytes && !domain::has_control_characters(text);
}

Principal make_principal(std::string subject, std::optional<std::string> only_user, Scopes scopes) {
  const bool is_for_one = only_user.has_value();
  return {.caller = {.principal = std::move(subject),
                     .only_user = std::move(only_user),
                     .may_deposit = !is_for_one || scopes.has(Scope::transactions_deposit),
                     .may_reverse = !is_for_one || scopes.has(Scope::transactions_reverse)},
          .scopes = scopes};
}

}  // namespace tps::auth
