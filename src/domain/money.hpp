// Exact money: signed 64-bit counts of a currency's minor unit (cents for USD). Nothing here, and
// nothing anywhere else, passes an amount through a floating-point number.
#pragma once

#include <cstdint>
#include <expected>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace tps::domain {

enum class AmountFault : std::uint8_t {
  not_a_number,       // not the grammar of a JSON number (RFC 8259 section 6)
  not_positive,       // zero or negative
  too_many_decimals,  // more written decimals than the currency has; trailing zeros count
  too_large,          // does not fit int64 minor units
};

// Reads a positive decimal, digit by digit, from the text of a JSON number token ("12.75", "1e3").
// `exponent` is the number of decimals of the currency, 0..18. Returns minor units (1275).
// An exponent part moves the decimal point before decimals are counted: "1.275e1" is "12.75".
std::expected<std::int64_t, AmountFault> parse_amount(std::string_view text, int exponent);

// Appends the decimal with exactly `exponent` decimals: (1275, 2) -> "12.75", (-5, 2) -> "-0.05".
void append_amount(std::string& out, std::int64_t minor, int exponent);
std::string format_amount(std::int64_t minor, int exponent);

// nullopt on overflow.
inline std::optional<std::int64_t> checked_add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}
inline std::optional<std::int64_t> checked_sub(std::int64_t a, std::int64_t b) {
  std::int64_t difference = 0;
  if (__builtin_sub_overflow(a, b, &difference)) return std::nullopt;
  return difference;
}

// Modulo 2^64 (two's complement): for sums that may be larger than any one amount.
inline std::int64_t wrapping_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
inline std::int64_t wrapping_sub(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

// a - b, or the nearest number there is.
inline std::int64_t clamped_sub(std::int64_t a, std::int64_t b) {
  std::int64_t difference = 0;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return a < 0 ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
}

}  // namespace tps::domain
