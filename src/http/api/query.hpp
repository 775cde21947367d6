// The query part of a target: name=value pairs, percent-decoded.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/error.hpp"

namespace tps::http {

class Query {
 public:
  // Refuses with invalid_parameter, naming all of them: names that are not `allowed`, names that come twice, broken
  // escapes, values that are not UTF-8 without NUL.
  static std::expected<Query, domain::Error> parse(std::string_view text, std::span<const std::string_view> allowed);

  // nullptr when absent.
  [[nodiscard]] const std::string* get(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> parameters_;
};

// For addresses that take no parameters: the refusal if there are any.
std::optional<domain::Error> refuse_parameters(std::string_view query);

}  // namespace tps::http
