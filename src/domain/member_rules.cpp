#include "domain/member_rules.hpp"

#include <algorithm>

#include "domain/money.hpp"

namespace tps::domain {
namespace {

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
      findings.add(json_pointer("/metadata/", key), FieldRule::too_long, "must be at most 500 bytes of UTF-8");
    }
    if (has_control_characters(value)) {
      findings.add(json_pointer("/metadata/", key), FieldRule::invalid_characters,
                   "must not contain control characters");
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

bool is_idempotency_key(std::string_view text) {
  constexpr std::size_t kMaxBytes = 255;
  return !text.empty() && text.size() <= kMaxBytes &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
}

void check_user(std::string_view text, const char* pointer, Findings& findings) {
  if (text.empty()) findings.add(pointer, FieldRule::too_short, "must not be empty");
  if (text.size() > kMaxUserIdBytes) findings.add(pointer, FieldRule::too_long, "must be at most 128 bytes of UTF-8");
  if (has_control_characters(text)) {
    findings.add(pointer, FieldRule::invalid_characters, "must not contain control characters");
  }
}

std::int64_t check_amount(std::string_view text, const char* pointer, const Currency* currency, Findings& findings) {
  constexpr int kMostDecimals = 18;
  const auto minor = parse_amount(text, currency != nullptr ? currency->exponent : kMostDecimals);
  if (minor) return *minor;
  switch (minor.error()) {
    case AmountFault::not_a_number:
      findings.add(pointer, FieldRule::not_a_number, "must be a decimal number such as 12.75");
      break;
    case AmountFault::not_positive:
      findings.add(pointer, FieldRule::not_positive, "must be greater than 0");
      break;
    case AmountFault::too_many_decimals:
      findings.add(pointer, FieldRule::too_many_decimals,
                   currency != nullptr ? currency->code + " has " + std::to_string(currency->exponent) + " decimals"
                                       : std::string("must have at most 18 decimals"));
      break;
    case AmountFault::too_large:
      if (currency != nullptr)
        findings.add(pointer, FieldRule::too_large, "must fit a signed 64-bit count of minor units");
      break;
  }
  return 0;
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

void check_annotations(const Draft& draft, Findings& findings) {
  check_text(draft.reference, "/reference", kMaxReferenceBytes, findings);
  check_text(draft.description, "/description", kMaxDescriptionBytes, findings);
  check_metadata(draft, findings);
}

void take_annotations(const Draft& draft, Transaction& transaction) {
  transaction.reference = owned(draft.reference);
  transaction.description = owned(draft.description);
  if (draft.metadata && !draft.metadata->empty()) transaction.metadata = canonical_metadata(*draft.metadata);
}

}  // namespace tps::domain
