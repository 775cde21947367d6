#include "wire/timestamp.hpp"

#include <chrono>

#include "wire/ascii.hpp"

namespace tps::wire {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;

void put_digits(char* end, unsigned value, int count) {
  for (; count > 0; --count, value /= 10) *--end = static_cast<char>('0' + value % 10);
}

// Reads fixed-width parts from the front of a text; one failure spoils the rest.
class Parts {
 public:
  explicit Parts(std::string_view text) : text_(text) {}

  unsigned digits(std::size_t count) {
    unsigned value = 0;
    for (std::size_t i = 0; i < count; ++i) value = value * 10 + digit();
    return value;
  }
  char one_of(std::string_view choices) {
    const char c = text_.empty() ? '\0' : text_.front();
    ok_ = ok_ && !text_.empty() && choices.find(c) != std::string_view::npos;
    if (!text_.empty()) text_.remove_prefix(1);
    return c;
  }
  unsigned micros() {
    if (!text_.starts_with('.')) return 0;
    text_.remove_prefix(1);
    unsigned value = digit();
    int count = 1;
    for (; count < 6 && !text_.empty() && is_digit(text_.front()); ++count) value = value * 10 + digit();
    for (; count < 6; ++count) value *= 10;
    return value;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return ok_ && text_.empty(); }

 private:
  unsigned digit() { return static_cast<unsigned>(one_of("0123456789") - '0'); }

  std::string_view text_;
  bool ok_ = true;
};

std::optional<minutes> parse_offset(Parts& parts) {
  const char sign = parts.one_of("Zz+-");
  if (sign == 'Z' || sign == 'z') return minutes(0);
  const unsigned hour = parts.digits(2);
  parts.one_of(":");
  const unsigned minute = parts.digits(2);
  if (!parts.ok() || hour > 23 || minute > 59) return std::nullopt;
  const auto offset = hours(hour) + minutes(minute);
  return sign == '-' ? -offset : offset;
}

}  // namespace

void append_timestamp(std::string& out, domain::Timestamp time) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const auto in_day = static_cast<std::uint64_t>((time - day).count());
  const auto second = static_cast<unsigned>(in_day / 1'000'000);
  char text[] = "0000-00-00T00:00:00.000000Z";
  put_digits(text + 4, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  put_digits(text + 7, static_cast<unsigned>(date.month()), 2);
  put_digits(text + 10, static_cast<unsigned>(date.day()), 2);
  put_digits(text + 13, second / 3600, 2);
  put_digits(text + 16, second / 60 % 60, 2);
  put_digits(text + 19, second % 60, 2);
  put_digits(text + 26, static_cast<unsigned>(in_day % 1'000'000), 6);
  out.append(text, sizeof text - 1);
}

std::optional<domain::Timestamp> parse_timestamp(std::string_view text) {
  Parts parts(text);
  const std::chrono::year year(static_cast<int>(parts.digits(4)));
  parts.one_of("-");
  const std::chrono::month month(parts.digits(2));
  parts.one_of("-");
  const std::chrono::year_month_day date(year, month, std::chrono::day(parts.digits(2)));
  parts.one_of("Tt");
  const unsigned hour = parts.digits(2);
  parts.one_of(":");
  const unsigned minute = parts.digits(2);
  parts.one_of(":");
  const unsigned second = parts.digits(2);
  const unsigned micros = parts.micros();
  const auto offset = parse_offset(parts);
  if (!offset || !parts.at_end() || !date.ok() || static_cast<int>(year) < 1970) return std::nullopt;
  if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return std::chrono::sys_days(date) + hours(hour) + minutes(minute) + seconds(second) + microseconds(micros) - *offset;
}

}  // namespace tps::wire
