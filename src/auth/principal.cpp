#include "auth/principal.hpp"

#include "domain/transaction.hpp"

namespace tps::auth {

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= domain::kMaxUserIdBytes && !domain::has_control_characters(text);
}

}  // namespace tps::auth
