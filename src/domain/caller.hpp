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

  // A caller for one user may pay, hold, capture, void and read. These two give or take money without the consent of
  // its other owner, so they need a right of their own.
  bool may_deposit = true;
  bool may_reverse = true;

  [[nodiscard]] bool acts_for(std::string_view user_id) const { return !only_user || *only_user == user_id; }
  // The receiver of a transfer may read it.
  [[nodiscard]] bool sees(const Transaction& transaction) const {
    return acts_for(transaction.user_id) || is_received_by_caller(transaction);
  }
  // Whether the caller may add this transaction. A reversal takes money back from the receiver of its original: the
  // receiver may give it back, the payer may not take it.
  [[nodiscard]] bool may_submit(const Transaction& transaction) const {
    switch (transaction.type) {
      case Type::deposit:
        return acts_for(transaction.user_id) && may_deposit;
      case Type::reversal:
        return is_received_by_caller(transaction) || (acts_for(transaction.user_id) && may_reverse);
      default:
        return acts_for(transaction.user_id);
    }
  }

 private:
  [[nodiscard]] bool is_received_by_caller(const Transaction& transaction) const {
    return transaction.to_user_id && acts_for(*transaction.to_user_id);
  }
};

}  // namespace tps::domain
