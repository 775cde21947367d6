#include "http/api/cursor.hpp"

#include <algorithm>

#include "domain/money.hpp"

namespace tps::http {
namespace {

// A cursor is base64url, without padding, of: version, kind, epoch, the place as numbers, and a check of all that and
// of the filters. The epoch has its highest byte first. A number is written in groups of 7 bits, the lowest first, all
// but the last with the high bit set.
constexpr std::uint8_t kVersion = 3;
constexpr std::size_t kEpochAt = 2;
constexpr std::size_t kHeadBytes = kEpochAt + sizeof(std::uint64_t);
constexpr std::size_t kCheckBytes = 8;
constexpr std::size_t kMaxNumberBytes = 9;  // 63 bits
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kMaxBytes = kHeadBytes + (kMaxNumberBytes * domain::kMaxPartitions) + kCheckBytes;

enum class Kind : std::uint8_t { newest_first, oldest_first, statement };
using Numbers = std::vector<std::int64_t>;

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
  void add(const ports::ListQuery& query) {
    add(query.user_id);
    add(query.status);
    add(query.type);
    add(query.currency);
    add(query.reference);
    add(query.parent_id);
    add(query.created_from);
    add(query.created_to);
  }
  void add(const ports::StatementQuery& query) {
    add(query.user_id);
    add(query.currency);
    add(query.from);
    add(query.to);
  }
  [[nodiscard]] std::uint64_t value() const { return hash_; }

 private:
  void byte(std::uint8_t b) { hash_ = (hash_ ^ b) * 0x100000001b3ULL; }
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

void append_number(std::string& bytes, std::int64_t number) {
  auto left = static_cast<std::uint64_t>(number);
  for (; left >= 0x80; left >>= 7) bytes += static_cast<char>(0x80 | (left & 0x7F));
  bytes += static_cast<char>(left);
}

// Cuts a number off `bytes`; nullopt when there is none.
std::optional<std::int64_t> take_number(std::string_view& bytes) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < std::min(bytes.size(), kMaxNumberBytes); ++i) {
    const auto byte = static_cast<std::uint8_t>(bytes[i]);
    number |= std::uint64_t{byte & 0x7FU} << (7 * i);
    if (byte < 0x80) {
      bytes.remove_prefix(i + 1);
      return static_cast<std::int64_t>(number);
    }
  }
  return std::nullopt;
}

std::string base64url(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view group = bytes.substr(i, 3);
    unsigned bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = (bits << 8) | (k < group.size() ? static_cast<std::uint8_t>(group[k]) : 0U);
    for (std::size_t k = 0; k <= group.size(); ++k) text += kAlphabet[(bits >> (18 - 6 * k)) & 63];
  }
  return text;
}

std::optional<std::string> from_base64url(std::string_view text) {
  if (text.size() > kMaxBytes / 3 * 4 + 4 || text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const std::string_view group = text.substr(i, 4);
    unsigned bits = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const std::size_t value = k < group.size() ? kAlphabet.find(group[k]) : 0;
      if (value == std::string_view::npos) return std::nullopt;
      bits = (bits << 6) | static_cast<unsigned>(value);
    }
    for (std::size_t k = 0; k + 1 < group.size(); ++k) bytes += static_cast<char>(bits >> (16 - 8 * k));
  }
  return bytes;
}

void append_whole(std::string& bytes, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift);
}

std::uint64_t epoch_in(std::string_view head) {
  std::uint64_t epoch = 0;
  for (std::size_t i = kEpochAt; i < kHeadBytes; ++i) epoch = (epoch << 8) | static_cast<std::uint8_t>(head[i]);
  return epoch;
}

template <class Filters>
std::string encode(Kind kind, std::uint64_t epoch, const Numbers& numbers, const Filters& filters) {
  std::string bytes{static_cast<char>(kVersion), static_cast<char>(kind)};
  append_whole(bytes, epoch);
  for (const std::int64_t number : numbers) append_number(bytes, number);
  Check check;
  check.add(std::string_view(bytes));
  check.add(filters);
  append_whole(bytes, check.value());
  return base64url(bytes);
}

// Only what encode() would write again is a cursor.
template <class Filters>
std::optional<Numbers> decode(std::string_view text, Kind kind, const Filters& filters) {
  const auto bytes = from_base64url(text);
  if (!bytes || bytes->size() < kHeadBytes + kCheckBytes) return std::nullopt;
  std::string_view rest(*bytes);
  rest.remove_prefix(kHeadBytes);
  rest.remove_suffix(kCheckBytes);
  Numbers numbers;
  while (!rest.empty()) {
    const auto number = take_number(rest);
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  if (encode(kind, epoch_in(*bytes), numbers, filters) != text) return std::nullopt;
  return numbers;
}

std::optional<std::int64_t> only_one(const std::optional<Numbers>& numbers) {
  return numbers && numbers->size() == 1 ? std::optional(numbers->front()) : std::nullopt;
}

}  // namespace

std::string make_cursor(std::int64_t after, const ports::ListQuery& query) {
  return encode(Kind::newest_first, query.epoch, {after}, query);
}

// As sequences, which are short where few transactions are.
std::string make_cursor(const std::vector<std::int64_t>& positions, const ports::ListQuery& query) {
  Numbers sequences;
  for (std::uint32_t partition = 0; partition < positions.size(); ++partition) {
    sequences.push_back(std::max(std::int64_t{0}, positions[partition] - domain::id_before_first(partition)));
  }
  return encode(Kind::oldest_first, query.epoch, sequences, query);
}

std::string make_cursor(std::int64_t after, const ports::StatementQuery& query) {
  return encode(Kind::statement, query.epoch, {after}, query);
}

std::optional<std::int64_t> read_cursor(std::string_view text, const ports::ListQuery& query) {
  return only_one(decode(text, Kind::newest_first, query));
}

std::optional<std::vector<std::int64_t>> read_positions(std::string_view text, const ports::ListQuery& query) {
  auto positions = decode(text, Kind::oldest_first, query);
  if (!positions || positions->size() > domain::kMaxPartitions) return std::nullopt;
  for (std::uint32_t partition = 0; partition < positions->size(); ++partition) {
    std::int64_t& position = (*positions)[partition];
    const auto id = domain::checked_add(domain::id_before_first(partition), position);
    if (!id) return std::nullopt;
    position = *id;
  }
  return positions;
}

std::optional<std::int64_t> read_cursor(std::string_view text, const ports::StatementQuery& query) {
  return only_one(decode(text, Kind::statement, query));
}

std::uint64_t epoch_of_cursor(std::string_view text) {
  const auto bytes = from_base64url(text);
  return bytes && bytes->size() >= kHeadBytes ? epoch_in(*bytes) : 0;
}

}  // namespace tps::http
