// The caller of a use case: the part of its identity that rules depend on.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "domain/transaction.hpp"

namespace tps::domain {

struct Caller {
  std::string principal;  // stable subject; "anonymous" without authentication
  // The one user whose money this caller may see and move; nullopt: everybody's.
  std::optional<std::string> only_user{};

  [[nodiscard]] bool acts_for(std::string_view user_id) const { return !only_user || *only_user == user_id; }
  // The receiver of a transfer may read it.
  [[nodiscard]] bool sees(const Transaction& transaction) const {
    return acts_for(transaction.user_id) || (transaction.to_user_id && acts_for(*transaction.to_user_id));
  }
};

}  // namespace tps::domain
