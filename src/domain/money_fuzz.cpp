// parse_amount against the same rules said in another way: write the number out in full, then look at the text.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "domain/money.hpp"

extern const std::span<const std::string_view> fuzz_seeds;

namespace {

using tps::domain::AmountFault;

constexpr std::size_t kMaxText = 2000;
constexpr std::size_t kMaxShift = 5000;  // more than any text that is looked at here can take back

// 'C' and an amount in a currency with 2 decimals ('A': none).
constexpr std::array<std::string_view, 22> kSeeds{"C12.75",
                                                  "C12.7500",
                                                  "C12.755",
                                                  "A0.1",
                                                  "A100",
                                                  "D1.275e1",
                                                  "C1e3",
                                                  "C1E+2",
                                                  "C-1",
                                                  "C0",
                                                  "C-0",
                                                  "C0.00",
                                                  "CNaN",
                                                  "C1e400",
                                                  "C01",
                                                  "C1.",
                                                  "C.5",
                                                  "C1e-2",
                                                  "C92233720368547758.07",
                                                  "C92233720368547758.08",
                                                  "S9.223372036854775807",
                                                  "A10000000000000000000000000000000"};

void expect(bool holds) {
  if (!holds) std::abort();
}

std::string_view digits_at(std::string_view text) { return text.substr(0, text.find_first_not_of("0123456789")); }

struct Plain {
  bool negative = false;
  std::string whole;     // digits, no leading zeros
  std::string fraction;  // digits as written
};

// False when `text` is not a JSON number.
bool write_out(std::string_view text, Plain& plain) {  // NOLINT(readability-function-cognitive-complexity): on purpose
                                                       // as plain as the rules are
  if (text.starts_with('-')) {
    plain.negative = true;
    text = text.substr(1);
  }
  std::string digits(digits_at(text));
  if (digits.empty() || (digits.size() > 1 && digits[0] == '0')) return false;
  text = text.substr(digits.size());
  std::size_t point = digits.size();
  if (text.starts_with('.')) {
    const std::string_view fraction = digits_at(text.substr(1));
    if (fraction.empty()) return false;
    digits += fraction;
    text = text.substr(1 + fraction.size());
  }
  if (!text.empty()) {
    if (text[0] != 'e' && text[0] != 'E') return false;
    text = text.substr(1);
    const bool left = text.starts_with('-');
    if (left || text.starts_with('+')) text = text.substr(1);
    if (text.empty() || digits_at(text).size() != text.size()) return false;
    text = text.substr(std::min(text.find_first_not_of('0'), text.size()));
    std::size_t shift = 0;
    const bool large =
        std::from_chars(text.data(), text.data() + text.size(), shift).ec == std::errc::result_out_of_range;
    shift = large ? kMaxShift : std::min(kMaxShift, shift);
    if (left) {
      if (shift > point) digits.insert(0, shift - point, '0');
      point = shift > point ? 0 : point - shift;
    } else {
      point += shift;
      if (point > digits.size()) digits.append(point - digits.size(), '0');
    }
  }
  plain.whole = digits.substr(0, point);
  plain.whole.erase(0, std::min(plain.whole.find_first_not_of('0'), plain.whole.size()));
  plain.fraction = digits.substr(point);
  return true;
}

bool fits_int64(const std::string& digits) {
  const std::string most = "9223372036854775807";
  return digits.size() < most.size() || (digits.size() == most.size() && digits <= most);
}

}  // namespace

const std::span<const std::string_view> fuzz_seeds(kSeeds);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > kMaxText) return 0;
  const int exponent = (data[0] - 'A' + 190) % 19;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto parsed = tps::domain::parse_amount(text, exponent);

  Plain plain;
  if (!write_out(text, plain)) {
    expect(parsed == std::unexpected(AmountFault::not_a_number));
    return 0;
  }
  const std::size_t decimals = plain.fraction.size();
  std::string minor = plain.whole + plain.fraction;
  minor.erase(0, std::min(minor.find_first_not_of('0'), minor.size()));
  if (plain.negative || minor.empty()) {
    expect(parsed == std::unexpected(AmountFault::not_positive));
  } else if (decimals > static_cast<std::size_t>(exponent)) {
    expect(parsed == std::unexpected(AmountFault::too_many_decimals));
  } else {
    minor.append(static_cast<std::size_t>(exponent) - decimals, '0');
    if (!fits_int64(minor)) {
      expect(parsed == std::unexpected(AmountFault::too_large));
    } else {
      expect(parsed && std::to_string(*parsed) == minor);
      const std::string written = tps::domain::format_amount(*parsed, exponent);
      expect(tps::domain::parse_amount(written, exponent) == *parsed);
    }
  }
  return 0;
}
