// The rules of single members, which the validations of all kinds of transactions share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/currency.hpp"
#include "domain/error.hpp"
#include "domain/transaction.hpp"

namespace tps::domain {

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

// Each adds what is wrong with a member to the findings.
void check_user(std::string_view text, const char* pointer, Findings& findings);
void check_text(const std::optional<std::string_view>& text, const char* pointer, std::size_t max_bytes,
                Findings& findings);

// True for what may be an Idempotency-Key: 1 to 255 visible ASCII characters.
bool is_idempotency_key(std::string_view text);

// A positive amount in minor units; 0 when something is wrong with it. Without a known currency (nullptr), what can be
// said about the number alone is still said.
std::int64_t check_amount(std::string_view text, const char* pointer, const Currency* currency, Findings& findings);

// reference, description and metadata: checks them, and moves them into a transaction that has no findings.
void check_annotations(const Draft& draft, Findings& findings);
void take_annotations(const Draft& draft, Transaction& transaction);

}  // namespace tps::domain
