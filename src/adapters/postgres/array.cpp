#include "adapters/postgres/array.hpp"

namespace tps::postgres {
namespace {

// dimensions, has NULLs, element type; then per dimension its length and lower bound.
constexpr std::size_t kHeaderBytes = 20;
constexpr std::size_t kEmptyBytes = 12;
constexpr std::size_t kLengthBytes = 4;
constexpr std::int32_t kNullLength = -1;

}  // namespace

Array::Array(Type element) {
  bytes_.resize(kHeaderBytes);
  big_endian::store(bytes_.data() + 8, static_cast<std::uint32_t>(element));
  big_endian::store(bytes_.data() + 16, std::int32_t{1});
}

char* Array::grow(std::size_t size) {
  ++count_;
  const std::size_t old = bytes_.size();
  bytes_.resize(old + kLengthBytes + size);
  char* place = bytes_.data() + old;
  big_endian::store(place, static_cast<std::int32_t>(size));
  return place + kLengthBytes;
}

void Array::add_null() {
  big_endian::store(grow(0) - kLengthBytes, kNullLength);
  ++nulls_;
}

void Array::add_bytes(const char* data, std::size_t size) {
  char* place = grow(size);
  if (size > 0) std::memcpy(place, data, size);  // an empty view may point nowhere
}

std::string_view Array::bytes() {
  big_endian::store(bytes_.data(), std::int32_t{count_ == 0 ? 0 : 1});
  big_endian::store(bytes_.data() + 4, std::int32_t{nulls_ == 0 ? 0 : 1});
  big_endian::store(bytes_.data() + 12, count_);
  return std::string_view(bytes_).substr(0, count_ == 0 ? kEmptyBytes : bytes_.size());
}

}  // namespace tps::postgres
