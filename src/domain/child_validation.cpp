// The rules of what is done to a transaction or an account that is there (domain/transaction.hpp, validate_child and
// validate_account_update).
#include "domain/member_rules.hpp"
#include "domain/money.hpp"

namespace tps::domain {
namespace {

// Rejects members that a child inherits from its parent: a client must not send them.
void refuse_inherited(const Draft& draft, Findings& findings) {
  const auto refuse = [&](const std::optional<std::string_view>& member, const char* pointer) {
    if (member) findings.add(pointer, FieldRule::not_allowed, "is that of the transaction in the path");
  };
  refuse(draft.user_id, "/user_id");
  refuse(draft.currency, "/currency");
  refuse(draft.type, "/type");
  refuse(draft.to_user_id, "/to_user_id");
  refuse(draft.capture, "/capture");
  refuse(draft.hold_expires_in, "/hold_expires_in");
}

// Zero is good here, unlike in an amount.
std::int64_t check_limit(std::string_view text, const Currency& currency, Findings& findings) {
  const auto minor = parse_amount(text, currency.exponent);
  if (minor) return *minor;
  const bool is_zero = minor.error() == AmountFault::not_positive && !text.starts_with('-');
  if (is_zero) return 0;
  if (minor.error() == AmountFault::not_positive) {
    findings.add("/overdraft_limit", FieldRule::too_small, "must be at least 0");
    return 0;
  }
  return check_amount(text, "/overdraft_limit", &currency, findings);
}

}  // namespace

bool is_possible_parent(Type type, const Transaction& parent) {
  const bool manual = parent.capture == Capture::manual;
  if (type == Type::capture || type == Type::void_) return manual;
  switch (parent.type) {
    case Type::deposit:
    case Type::withdrawal:
    case Type::transfer:
      return !manual;
    default:
      return parent.type == Type::capture;
  }
}

Validated validate_child(Type type, const Transaction& parent, const Draft& draft, const Currencies& currencies,
                         std::vector<FieldError> decode_errors) {
  Findings findings(std::move(decode_errors));
  refuse_inherited(draft, findings);
  std::int64_t amount_minor = parent.amount_minor;
  if (draft.amount && type == Type::void_) {
    findings.add("/amount", FieldRule::not_allowed, "a void releases all that is held");
  } else if (draft.amount) {
    // An asset that is no longer configured says no more how many decimals its amounts have.
    const Currency* const currency = currencies.find(parent.currency);
    amount_minor = check_amount(*draft.amount, "/amount", currency, findings);
    if (currency == nullptr) findings.add("/amount", FieldRule::unknown_currency, "is in a currency that is unknown");
  }
  check_annotations(draft, findings);
  if (findings.any()) return std::unexpected(findings.take());

  Transaction transaction;
  transaction.type = type;
  transaction.user_id = parent.user_id;
  // A void moves no money, so it has no receiver.
  if (type != Type::void_) transaction.to_user_id = parent.to_user_id;
  transaction.amount_minor = amount_minor;
  transaction.currency = parent.currency;
  transaction.parent_id = parent.id;
  take_annotations(draft, transaction);
  return transaction;
}

Validated validate_account_update(std::string_view user_id, const Currency& currency, const AccountDraft& draft,
                                  std::vector<FieldError> decode_errors) {
  Findings findings(std::move(decode_errors));
  check_user(user_id, "user_id", findings);
  Transaction transaction;
  transaction.type = Type::account_update;
  transaction.user_id = user_id;
  transaction.currency = currency.code;
  if (draft.overdraft_limit) transaction.overdraft_limit = check_limit(*draft.overdraft_limit, currency, findings);
  transaction.frozen = draft.frozen;
  if (!findings.any() && !draft.overdraft_limit && !draft.frozen) {
    findings.add("", FieldRule::required, "overdraft_limit, frozen or both are required");
  }
  if (findings.any()) return std::unexpected(findings.take());
  return transaction;
}

}  // namespace tps::domain
