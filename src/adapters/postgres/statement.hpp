// The two directions of the traffic with PostgreSQL: statements with binary parameters, and rows.
#pragma once

#include <libpq-fe.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/postgres/array.hpp"
#include "domain/transaction.hpp"

namespace tps::postgres {

// One per SQL text, with static lifetime. A statement with a name is prepared once per connection (unless the
// connection does not prepare); one without is planned for its parameters each time.
struct Statement {
  const char* name = nullptr;
  const char* sql = nullptr;
  // Reads a log by one of several indexes. While the log is small, all look alike to the planner, and a plan
  // that is kept from then would read all of a big log: so it is kept only once the log has grown.
  bool reads_log = false;
};

// Joins string literals, and what it made of others, into one at compile time: kSelect and the rest of a statement.
template <class... Texts>
consteval auto joined(const Texts&... parts) {
  std::array<char, (sizeof(Texts) + ...) - sizeof...(Texts) + 1> text{};
  std::size_t at = 0;
  const auto add = [&](const auto& part) {
    for (std::size_t i = 0; i + 1 < sizeof part; ++i) text[at++] = part[i];
  };
  (add(parts), ...);
  return text;
}

// The parameters $1, $2, ... of one statement. Text and arrays are not copied and must live until it is queued.
class Parameters {
 public:
  static constexpr int kMax = 24;

  Parameters() = default;
  Parameters(const Parameters&) = delete;  // points into itself
  Parameters& operator=(const Parameters&) = delete;

  Parameters& add(std::int16_t value) { return add_integer(value); }
  Parameters& add(std::int64_t value) { return add_integer(value); }
  Parameters& add(domain::Timestamp value) { return add_integer(to_postgres(value)); }
  Parameters& add(char value) { return add_integer(static_cast<std::int8_t>(value)); }
  Parameters& add(std::string_view value) { return point(value.data() == nullptr ? "" : value.data(), value.size()); }
  Parameters& add(Array& value) {
    const std::string_view bytes = value.bytes();
    return point(bytes.data(), bytes.size());
  }
  // A column that is NULL in every row is not sent: unnest() pads it.
  Parameters& add_unless_null(Array& value) { return value.all_null() ? add_null() : add(value); }
  Parameters& add_null() { return point(nullptr, 0); }
  template <class T>
  Parameters& add(const std::optional<T>& value) {
    return value ? add(*value) : add_null();
  }

  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] const char* const* values() const { return values_.data(); }
  [[nodiscard]] const int* lengths() const { return lengths_.data(); }
  [[nodiscard]] static const int* formats() { return kBinary.data(); }

 private:
  static constexpr std::array<int, kMax> kBinary = [] {
    std::array<int, kMax> formats{};
    formats.fill(1);
    return formats;
  }();

  template <class Integer>
  Parameters& add_integer(Integer value) {
    char* place = numbers_.at(static_cast<std::size_t>(size_)).data();
    big_endian::store(place, value);
    return point(place, sizeof value);
  }
  Parameters& point(const char* data, std::size_t size) {
    values_.at(static_cast<std::size_t>(size_)) = data;
    lengths_.at(static_cast<std::size_t>(size_)) = static_cast<int>(size);
    ++size_;
    return *this;
  }

  int size_ = 0;
  std::array<const char*, kMax> values_{};
  std::array<int, kMax> lengths_{};
  std::array<std::array<char, 8>, kMax> numbers_{};
};

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};

// The rows of one statement, in binary. A column is read as the type that the statement gives it.
class Result {
 public:
  explicit Result(PGresult* result) : result_(result) {}

  [[nodiscard]] int rows() const { return PQntuples(result_.get()); }
  [[nodiscard]] std::string_view tag() const { return PQcmdStatus(result_.get()); }
  [[nodiscard]] bool is_null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }

  template <class Integer>
  [[nodiscard]] Integer integer(int row, int column) const {
    return big_endian::load<Integer>(PQgetvalue(result_.get(), row, column));
  }
  [[nodiscard]] std::int64_t int8(int row, int column) const { return integer<std::int64_t>(row, column); }
  [[nodiscard]] std::int16_t int2(int row, int column) const { return integer<std::int16_t>(row, column); }
  [[nodiscard]] bool boolean(int row, int column) const { return *PQgetvalue(result_.get(), row, column) != 0; }
  [[nodiscard]] char letter(int row, int column) const { return *PQgetvalue(result_.get(), row, column); }
  [[nodiscard]] domain::Timestamp time(int row, int column) const { return from_postgres(int8(row, column)); }
  [[nodiscard]] std::string_view text(int row, int column) const {
    return {PQgetvalue(result_.get(), row, column), static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
  }
  [[nodiscard]] std::optional<std::int64_t> optional_int8(int row, int column) const {
    return is_null(row, column) ? std::nullopt : std::optional(int8(row, column));
  }
  [[nodiscard]] std::optional<domain::Timestamp> optional_time(int row, int column) const {
    return is_null(row, column) ? std::nullopt : std::optional(time(row, column));
  }
  [[nodiscard]] std::optional<std::string> optional_text(int row, int column) const {
    return is_null(row, column) ? std::nullopt : std::optional<std::string>(text(row, column));
  }

  [[nodiscard]] const PGresult* raw() const { return result_.get(); }

 private:
  std::unique_ptr<PGresult, ClearResult> result_;
};

}  // namespace tps::postgres
