// The rules of the members of a new transaction (domain/transaction.hpp, validate).
#include <algorithm>

#include "domain/money.hpp"
#include "domain/transaction.hpp"

namespace tps::domain {
namespace {

// Collects broken rules; a member that has one already (from decoding) gets no second one.
class Findings {
 public:
  explicit Findings(std::vector<FieldError> decode_errors) : errors_(std::move(decode_errors)) {}

  void add(std::string pointer, FieldRule rule, std::string detail) {
    if (knows(pointer)) return;
    errors_.push_back({std::move(pointer), rule, std::move(detail)});
  }
  [[nodiscard]] bool knows(std::string_view pointer) const {
    return std::ranges::any_of(errors_, [&](const FieldError& error) { return error.pointer == pointer; });
  }
  [[nodiscard]] bool any() const { return !errors_.empty(); }
  std::vector<FieldError> take() { return std::move(errors_); }

 private:
  std::vector<FieldError> errors_;
};

void check_user(std::string_view text, const char* pointer, Findings& findings) {
  if (text.empty()) findings.add(pointer, FieldRule::too_short, "must not be empty");
  if (text.size() > kMaxUserIdBytes) findings.add(pointer, FieldRule::too_long, "must be at most 128 bytes of UTF-8");
  if (has_control_characters(text)) {
    findings.add(pointer, FieldRule::invalid_characters, "must not contain control characters");
  }
}

std::int64_t check_amount(const Draft& draft, const Currency* currency, Findings& findings) {
  if (!draft.amount) {
    findings.add("/amount", FieldRule::required, "is required");
    return 0;
  }
  // Without a known currency, what can be said about the number alone is still said.
  constexpr int kMostDecimals = 18;
  const auto minor = parse_amount(*draft.amount, currency != nullptr ? currency->exponent : kMostDecimals);
  if (minor) return *minor;
  switch (minor.error()) {
    case AmountFault::not_a_number:
      findings.add("/amount", FieldRule::not_a_number, "must be a decimal number such as 12.75");
      break;
    case AmountFault::not_positive:
      findings.add("/amount", FieldRule::not_positive, "must be greater than 0");
      break;
    case AmountFault::too_many_decimals:
      findings.add("/amount", FieldRule::too_many_decimals,
                   currency != nullptr ? currency->code + " has " + std::to_string(currency->exponent) + " decimals"
                                       : std::string("must have at most 18 decimals"));
      break;
    case AmountFault::too_large:
      if (currency != nullptr)
        findings.add("/amount", FieldRule::too_large, "must fit a signed 64-bit count of minor units");
      break;
  }
  return 0;
}

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

void check_capture(const Draft& draft, Findings& findings) {
  if (draft.capture) {
    const auto capture = parse_capture(*draft.capture);
    if (!capture) {
      findings.add("/capture", FieldRule::unknown_value, "must be automatic or manual");
    } else if (*capture == Capture::manual) {
      findings.add("/capture", FieldRule::not_supported, "manual capture is not supported by this version");
    }
  }
  if (draft.hold_expires_in && !findings.knows("/capture")) {
    findings.add("/hold_expires_in", FieldRule::not_allowed, "is for capture: manual only");
  }
}

void check_text(const std::optional<std::string_view>& text, const char* pointer, std::size_t max_bytes,
                Findings& findings) {
  if (!text) return;
  if (text->empty()) findings.add(pointer, FieldRule::too_short, "must not be empty; leave it out instead");
  if (text->size() > max_bytes) {
    findings.add(pointer, FieldRule::too_long, "must be at most " + std::to_string(max_bytes) + " bytes of UTF-8");
  }
  if (has_control_characters(*text)) {
    findings.add(pointer, FieldRule::invalid_characters, "must not contain control characters");
  }
}

// RFC 6901: "~" and "/" in a member's name are escaped.
std::string metadata_pointer(std::string_view key) {
  std::string pointer = "/metadata/";
  for (const char c : key) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

void check_metadata(const Draft& draft, Findings& findings) {
  if (!draft.metadata) return;
  if (draft.metadata->size() > kMaxMetadataPairs) {
    findings.add("/metadata", FieldRule::too_many, "must have at most 50 members");
    return;
  }
  for (const auto& [key, value] : *draft.metadata) {
    if (key.empty() || key.size() > kMaxMetadataKeyBytes || has_control_characters(key)) {
      findings.add("/metadata", FieldRule::invalid_characters,
                   "member names must be 1 to 40 bytes of UTF-8 without control characters");
      continue;
    }
    if (value.size() > kMaxMetadataValueBytes) {
      findings.add(metadata_pointer(key), FieldRule::too_long, "must be at most 500 bytes of UTF-8");
    }
    if (has_control_characters(value)) {
      findings.add(metadata_pointer(key), FieldRule::invalid_characters, "must not contain control characters");
    }
  }
}

// JSON of text without control characters: only quote and backslash need an escape.
void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

// Members sorted by name, no white space: equal metadata are equal bytes.
std::string canonical_metadata(std::vector<std::pair<std::string_view, std::string_view>> pairs) {
  std::ranges::sort(pairs);
  std::string out = "{";
  for (const auto& [key, value] : pairs) {
    if (out.size() > 1) out += ',';
    append_quoted(out, key);
    out += ':';
    append_quoted(out, value);
  }
  out += '}';
  return out;
}

std::optional<std::string> owned(const std::optional<std::string_view>& text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

}  // namespace

std::expected<Transaction, std::vector<FieldError>> validate(const Draft& draft, const Currencies& currencies,
                                                             std::vector<FieldError> decode_errors) {
  Findings findings(std::move(decode_errors));
  if (draft.user_id) {
    check_user(*draft.user_id, "/user_id", findings);
  } else {
    findings.add("/user_id", FieldRule::required, "is required");
  }
  // The currency is looked up first since it says how many decimals the amount may have, but reported after it.
  const Currency* currency = draft.currency ? currencies.find(*draft.currency) : nullptr;
  const std::int64_t amount_minor = check_amount(draft, currency, findings);
  check_currency(draft, currency, findings);
  const Type type = check_type(draft, findings);
  check_receiver(draft, type, findings);
  check_capture(draft, findings);
  check_text(draft.reference, "/reference", kMaxReferenceBytes, findings);
  check_text(draft.description, "/description", kMaxDescriptionBytes, findings);
  check_metadata(draft, findings);
  if (findings.any()) return std::unexpected(findings.take());

  Transaction transaction;
  transaction.type = type;
  transaction.user_id = *draft.user_id;
  transaction.to_user_id = owned(draft.to_user_id);
  transaction.amount_minor = amount_minor;
  transaction.currency = currency->code;
  transaction.reference = owned(draft.reference);
  transaction.description = owned(draft.description);
  if (draft.metadata && !draft.metadata->empty()) transaction.metadata = canonical_metadata(*draft.metadata);
  return transaction;
}

}  // namespace tps::domain
