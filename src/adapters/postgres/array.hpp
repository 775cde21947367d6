// One column of many rows, in PostgreSQL's binary format for one-dimensional arrays, built as it is filled:
// the parameter of an unnest(). Also the binary formats of single values.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "domain/transaction.hpp"

namespace tps::postgres {

// The types that are used, with their object ids (pg_type).
enum class Type : std::uint32_t {
  boolean = 16,
  bytea = 17,
  one_char = 18,  // "char"
  int8 = 20,
  int2 = 21,
  text = 25,
  timestamptz = 1184,
};

namespace big_endian {

template <class Integer>
Integer swapped(Integer value) {
  if constexpr (sizeof(Integer) == 8) return static_cast<Integer>(__builtin_bswap64(static_cast<std::uint64_t>(value)));
  if constexpr (sizeof(Integer) == 4) return static_cast<Integer>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
  if constexpr (sizeof(Integer) == 2) return static_cast<Integer>(__builtin_bswap16(static_cast<std::uint16_t>(value)));
  if constexpr (sizeof(Integer) == 1) return value;
}

template <class Integer>
void store(char* place, Integer value) {
  const Integer bytes = swapped(value);
  std::memcpy(place, &bytes, sizeof bytes);
}

template <class Integer>
Integer load(const char* place) {
  Integer bytes;
  std::memcpy(&bytes, place, sizeof bytes);
  return swapped(bytes);
}

}  // namespace big_endian

// PostgreSQL counts microseconds from 2000-01-01.
inline constexpr domain::Timestamp kPostgresEpoch = std::chrono::sys_days{std::chrono::year{2000} / 1 / 1};
inline std::int64_t to_postgres(domain::Timestamp time) { return (time - kPostgresEpoch).count(); }
inline domain::Timestamp from_postgres(std::int64_t time) { return kPostgresEpoch + std::chrono::microseconds{time}; }

class Array {
 public:
  explicit Array(Type element);

  // The caller adds values of the element's type only.
  void add(bool value) { add_integer(static_cast<std::int8_t>(value ? 1 : 0)); }
  void add(char value) { add_integer(static_cast<std::int8_t>(value)); }
  void add(std::int16_t value) { add_integer(value); }
  void add(std::int64_t value) { add_integer(value); }
  void add(domain::Timestamp value) { add_integer(to_postgres(value)); }
  void add(std::string_view value) { add_bytes(value.data(), value.size()); }
  void add(const domain::Hash128& value) { add_bytes(reinterpret_cast<const char*>(value.data()), value.size()); }
  void add_null();

  template <class T>
  void add(const std::optional<T>& value) {
    if (value) {
      if constexpr (std::is_same_v<T, std::string>) {
        add(std::string_view(*value));
      } else {
        add(*value);
      }
    } else {
      add_null();
    }
  }

  // Nothing but NULLs: unnest() of a NULL array next to longer ones gives the same rows for less.
  [[nodiscard]] bool all_null() const { return count_ == nulls_; }
  [[nodiscard]] std::int32_t size() const { return count_; }

  // The binary value; valid until the array is changed or gone.
  [[nodiscard]] std::string_view bytes();

 private:
  template <class Integer>
  void add_integer(Integer value) {
    char* place = grow(sizeof value);
    big_endian::store(place, value);
  }
  void add_bytes(const char* data, std::size_t size);
  char* grow(std::size_t size);

  std::string bytes_;
  std::int32_t count_ = 0;
  std::int32_t nulls_ = 0;
};

}  // namespace tps::postgres
