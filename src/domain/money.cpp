#include "domain/money.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace tps::domain {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Exponents beyond this cannot change the answer: it is already too large, or has too many decimals.
constexpr int kMaxExponentPart = 100'000;

// The parts of a JSON number token, not evaluated.
struct Decimal {
  bool negative = false;
  std::string_view whole;
  std::string_view fraction;
  int exponent = 0;
};

std::optional<std::string_view> take_digits(std::string_view& text) {
  const auto end = std::ranges::find_if_not(text, is_digit);
  const std::string_view digits(text.begin(), end);
  if (digits.empty()) return std::nullopt;
  text.remove_prefix(digits.size());
  return digits;
}

std::optional<int> take_exponent(std::string_view& text) {
  bool negative = false;
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  const auto digits = take_digits(text);
  if (!digits) return std::nullopt;
  int value = 0;
  for (const char c : *digits) value = std::min(value * 10 + (c - '0'), kMaxExponentPart);
  return negative ? -value : value;
}

std::optional<Decimal> read_decimal(std::string_view text) {
  Decimal decimal;
  if (text.starts_with('-')) {
    decimal.negative = true;
    text.remove_prefix(1);
  }
  const auto whole = take_digits(text);
  if (!whole || (whole->size() > 1 && whole->front() == '0')) return std::nullopt;
  decimal.whole = *whole;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const auto fraction = take_digits(text);
    if (!fraction) return std::nullopt;
    decimal.fraction = *fraction;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    const auto exponent = take_exponent(text);
    if (!exponent) return std::nullopt;
    decimal.exponent = *exponent;
  }
  if (!text.empty()) return std::nullopt;
  return decimal;
}

bool append_digit(std::int64_t& value, char digit) {
  return !__builtin_mul_overflow(value, 10, &value) && !__builtin_add_overflow(value, digit - '0', &value);
}

}  // namespace

std::expected<std::int64_t, AmountFault> parse_amount(std::string_view text, int exponent) {
  const auto decimal = read_decimal(text);
  if (!decimal) return std::unexpected(AmountFault::not_a_number);

  const auto is_zero = [](std::string_view digits) {
    return std::ranges::all_of(digits, [](char c) { return c == '0'; });
  };
  const bool zero = is_zero(decimal->whole) && is_zero(decimal->fraction);
  if (decimal->negative || zero) return std::unexpected(AmountFault::not_positive);

  const auto written = static_cast<std::int64_t>(decimal->fraction.size()) - decimal->exponent;
  if (written > exponent) return std::unexpected(AmountFault::too_many_decimals);

  std::int64_t minor = 0;
  for (const std::string_view digits : {decimal->whole, decimal->fraction}) {
    for (const char c : digits) {
      if (!append_digit(minor, c)) return std::unexpected(AmountFault::too_large);
    }
  }
  for (std::int64_t missing = exponent - written; missing > 0; --missing) {
    if (!append_digit(minor, '0')) return std::unexpected(AmountFault::too_large);
  }
  return minor;
}

void append_amount(std::string& out, std::int64_t minor, int exponent) {
  // Through unsigned, so that the most negative value needs no care.
  auto magnitude = static_cast<std::uint64_t>(minor);
  if (minor < 0) {
    out += '-';
    magnitude = 0 - magnitude;
  }
  std::array<char, std::numeric_limits<std::uint64_t>::digits10 + 1> digits{};
  const auto [end, _] = std::to_chars(digits.data(), digits.data() + digits.size(), magnitude);
  const auto count = static_cast<std::size_t>(end - digits.data());
  const auto decimals = static_cast<std::size_t>(exponent);
  if (count > decimals) {
    out.append(digits.data(), count - decimals);
  } else {
    out += '0';
  }
  if (decimals == 0) return;
  out += '.';
  if (count < decimals) out.append(decimals - count, '0');
  const std::size_t shown = std::min(count, decimals);
  out.append(digits.data() + (count - shown), shown);
}

std::string format_amount(std::int64_t minor, int exponent) {
  std::string out;
  append_amount(out, minor, exponent);
  return out;
}

}  // namespace tps::domain
