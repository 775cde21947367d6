// The rules of a new transaction (domain/transaction.hpp, validate).
#include <charconv>

#include "domain/member_rules.hpp"

namespace tps::domain {
namespace {

void check_currency(const Draft& draft, const Currency* currency, Findings& findings) {
  if (!draft.currency) {
    findings.add("/currency", FieldRule::required, "is required");
  } else if (currency == nullptr) {
    findings.add("/currency", FieldRule::unknown_currency, "must be an ISO 4217 code or a configured asset");
  }
}

Type check_type(const Draft& draft, Findings& findings) {
  if (!draft.type) return Type::deposit;
  const auto type = parse_type(*draft.type);
  if (type == Type::deposit || type == Type::withdrawal || type == Type::transfer) return *type;
  findings.add("/type", FieldRule::unknown_value, "must be deposit, withdrawal or transfer");
  return Type::deposit;
}

void check_receiver(const Draft& draft, Type type, Findings& findings) {
  if (type != Type::transfer) {
    if (draft.to_user_id && !findings.knows("/type")) {
      findings.add("/to_user_id", FieldRule::not_allowed, "is for transfers only");
    }
    return;
  }
  if (!draft.to_user_id) {
    findings.add("/to_user_id", FieldRule::required, "is required for a transfer");
    return;
  }
  check_user(*draft.to_user_id, "/to_user_id", findings);
  if (draft.user_id && *draft.user_id == *draft.to_user_id) {
    findings.add("/to_user_id", FieldRule::same_as_user_id, "must be different from user_id");
  }
}

Capture check_capture(const Draft& draft, Type type, Findings& findings) {
  if (!draft.capture) return Capture::automatic;
  const auto capture = parse_capture(*draft.capture);
  if (!capture) {
    findings.add("/capture", FieldRule::unknown_value, "must be automatic or manual");
    return Capture::automatic;
  }
  if (*capture == Capture::manual && type == Type::deposit && !findings.knows("/type")) {
    findings.add("/capture", FieldRule::not_allowed, "manual is for withdrawals and transfers only");
  }
  return *capture;
}

// An integer: neither fraction nor exponent. A number that does not fit becomes larger, or smaller, than any allowed
// hold.
std::optional<std::int64_t> parse_seconds(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault == std::errc::invalid_argument || end != text.data() + text.size()) return std::nullopt;
  if (fault != std::errc{}) return text.starts_with('-') ? 0 : kLongestHold.count() + 1;
  return value;
}

std::optional<std::chrono::seconds> check_hold(const Draft& draft, Capture capture, Findings& findings) {
  if (capture == Capture::automatic) {
    if (draft.hold_expires_in && !findings.knows("/capture")) {
      findings.add("/hold_expires_in", FieldRule::not_allowed, "is for capture: manual only");
    }
    return std::nullopt;
  }
  if (!draft.hold_expires_in) return kDefaultHold;
  const auto seconds = parse_seconds(*draft.hold_expires_in);
  if (!seconds) {
    findings.add("/hold_expires_in", FieldRule::not_a_number, "must be a whole number of seconds");
  } else if (*seconds < 1) {
    findings.add("/hold_expires_in", FieldRule::too_small, "must be at least 1 second");
  } else if (*seconds > kLongestHold.count()) {
    findings.add("/hold_expires_in", FieldRule::too_large, "must be at most 31536000 seconds (365 days)");
  } else {
    return std::chrono::seconds(*seconds);
  }
  return std::nullopt;
}

}  // namespace

Validated validate(const Draft& draft, const Currencies& currencies, std::vector<FieldError> decode_errors) {
  Findings findings(std::move(decode_errors));
  if (draft.user_id) {
    check_user(*draft.user_id, "/user_id", findings);
  } else {
    findings.add("/user_id", FieldRule::required, "is required");
  }
  // The currency is looked up first since it says how many decimals the amount may have, but reported after it.
  const Currency* currency = draft.currency ? currencies.find(*draft.currency) : nullptr;
  if (!draft.amount) findings.add("/amount", FieldRule::required, "is required");
  const std::int64_t amount_minor = draft.amount ? check_amount(*draft.amount, "/amount", currency, findings) : 0;
  check_currency(draft, currency, findings);
  const Type type = check_type(draft, findings);
  check_receiver(draft, type, findings);
  const Capture capture = check_capture(draft, type, findings);
  const auto hold = check_hold(draft, capture, findings);
  check_annotations(draft, findings);
  if (findings.any()) return std::unexpected(findings.take());

  Transaction transaction;
  transaction.type = type;
  transaction.user_id = *draft.user_id;
  if (draft.to_user_id) transaction.to_user_id = *draft.to_user_id;
  transaction.amount_minor = amount_minor;
  transaction.currency = currency->code;
  transaction.capture = capture;
  if (hold) transaction.hold_expires_at = Timestamp(*hold);
  take_annotations(draft, transaction);
  return transaction;
}

}  // namespace tps::domain
