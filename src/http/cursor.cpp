#include "http/cursor.hpp"

#include <array>

namespace tps::http {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kBytes = 18;  // version, order, id (8), check (8): 24 characters without padding
constexpr std::size_t kCheckAt = 10;
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static_assert(kBytes % 3 == 0);

using Bytes = std::array<std::uint8_t, kBytes>;

// FNV-1a; every field is preceded by its presence so that neighbours cannot be confused.
class Check {
 public:
  void add(std::string_view text) {
    add(static_cast<std::int64_t>(text.size()));
    for (const char c : text) byte(static_cast<std::uint8_t>(c));
  }
  void add(std::int64_t number) {
    for (int shift = 0; shift < 64; shift += 8) byte(static_cast<std::uint8_t>(number >> shift));
  }
  void add(domain::Timestamp time) { add(time.time_since_epoch().count()); }
  void add(domain::Status status) { byte(static_cast<std::uint8_t>(status)); }
  void add(domain::Type type) { byte(static_cast<std::uint8_t>(type)); }
  template <class T>
  void add(const std::optional<T>& value) {
    byte(value.has_value() ? 1 : 0);
    if (value) add(*value);
  }
  [[nodiscard]] std::uint64_t value() const { return hash_; }

 private:
  void byte(std::uint8_t b) { hash_ = (hash_ ^ b) * 0x100000001b3ULL; }
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

void put(std::uint8_t* at, std::uint64_t value) {
  for (int i = 7; i >= 0; --i, value >>= 8) at[i] = static_cast<std::uint8_t>(value);
}

Bytes encode(std::int64_t after, const service::ListQuery& query) {
  Bytes bytes{kVersion, static_cast<std::uint8_t>(query.order)};
  put(&bytes[2], static_cast<std::uint64_t>(after));
  Check check;
  check.add(std::string_view(reinterpret_cast<const char*>(bytes.data()), kCheckAt));
  check.add(query.user_id);
  check.add(query.status);
  check.add(query.type);
  check.add(query.currency);
  check.add(query.reference);
  check.add(query.parent_id);
  check.add(query.created_from);
  check.add(query.created_to);
  put(&bytes[kCheckAt], check.value());
  return bytes;
}

std::string base64url(const Bytes& bytes) {
  std::string text;
  for (std::size_t i = 0; i < kBytes; i += 3) {
    const unsigned group = (unsigned{bytes[i]} << 16) | (unsigned{bytes[i + 1]} << 8) | bytes[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) text += kAlphabet[(group >> shift) & 63];
  }
  return text;
}

std::optional<Bytes> from_base64url(std::string_view text) {
  Bytes bytes{};
  if (text.size() != kBytes / 3 * 4) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    unsigned group = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const std::size_t value = kAlphabet.find(text[i + k]);
      if (value == std::string_view::npos) return std::nullopt;
      group = (group << 6) | static_cast<unsigned>(value);
    }
    for (std::size_t k = 0; k < 3; ++k) bytes[i / 4 * 3 + k] = static_cast<std::uint8_t>(group >> (16 - 8 * k));
  }
  return bytes;
}

}  // namespace

std::string make_cursor(std::int64_t after, const service::ListQuery& query) { return base64url(encode(after, query)); }

std::optional<std::int64_t> read_cursor(std::string_view text, const service::ListQuery& query) {
  const auto bytes = from_base64url(text);
  if (!bytes) return std::nullopt;
  std::uint64_t after = 0;
  for (std::size_t i = 2; i < kCheckAt; ++i) after = (after << 8) | (*bytes)[i];
  const auto id = static_cast<std::int64_t>(after);
  if (id < 0 || encode(id, query) != *bytes) return std::nullopt;
  return id;
}

}  // namespace tps::http
