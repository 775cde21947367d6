// The parameters that several queries have, read by the same rules. Errors are collected, so that one response names
// all of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "domain/currency.hpp"
#include "domain/error.hpp"
#include "domain/transaction.hpp"
#include "http/api/query.hpp"

namespace tps::http {

inline constexpr std::size_t kMaxPageSize = 1000;

class ParameterReader {
 public:
  explicit ParameterReader(const Query& query) : query_(query) {}

  // An absent parameter leaves `to` as it is.
  void text(std::string_view name, std::size_t max_bytes, std::optional<std::string>& to);
  void time(std::string_view name, std::optional<domain::Timestamp>& to);
  void currency(const domain::Currencies& currencies, std::optional<std::string>& to);
  void limit(std::size_t& to);  // 1..kMaxPageSize
  // By any function from a text to an optional value.
  template <class T, class Parse>
  void named(std::string_view name, Parse parse, std::optional<T>& to, const char* detail) {
    const std::string* value = get(name);
    if (value == nullptr) return;
    to = parse(*value);
    if (!to) refuse(name, domain::FieldRule::unknown_value, detail);
  }

  void refuse(std::string_view name, domain::FieldRule rule, std::string detail) {
    error_.fields.push_back({std::string(name), rule, std::move(detail)});
  }
  [[nodiscard]] const std::string* get(std::string_view name) const { return query_.get(name); }
  [[nodiscard]] bool ok() const { return error_.fields.empty(); }
  domain::Error take_error() { return std::move(error_); }

 private:
  const Query& query_;
  domain::Error error_{domain::ErrorCode::invalid_parameter, {}};
};

// The whole text as a decimal int64.
std::optional<std::int64_t> parse_integer(std::string_view text);

// The id of a transaction: decimal, 1..2^53; nullopt for anything else.
std::optional<std::int64_t> parse_id(std::string_view text);

}  // namespace tps::http
