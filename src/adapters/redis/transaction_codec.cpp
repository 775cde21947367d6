#include "adapters/redis/transaction_codec.hpp"

#include <concepts>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace tps::redis {
namespace {

using domain::Capture;
using domain::Failure;
using domain::Hash128;
using domain::Status;
using domain::Timestamp;
using domain::Transaction;
using domain::Type;

// A change of the layout gets the next number; other versions are refused, never guessed at.
constexpr std::uint8_t kVersion = 2;

// The last enumerators that this version knows.
constexpr Type kLastType = Type::account_update;
constexpr Status kLastStatus = Status::expired;
constexpr Failure kLastFailure = Failure::balance_overflow;
constexpr Capture kLastCapture = Capture::manual;

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void put(bool value) { put(std::uint8_t{value}); }
  template <std::integral T>
  void put(T value) {
    auto bits = static_cast<std::make_unsigned_t<T>>(value);
    char bytes[sizeof bits];
    for (char& byte : bytes) {
      byte = static_cast<char>(bits & 0xFF);
      if constexpr (sizeof bits > 1) bits = static_cast<decltype(bits)>(bits >> 8);
    }
    out_.append(bytes, sizeof bytes);
  }
  template <class T>
    requires std::is_enum_v<T>
  void put(T value) {
    put(static_cast<std::underlying_type_t<T>>(value));
  }
  void put(Timestamp time) { put(std::int64_t{time.time_since_epoch().count()}); }
  void put(const Hash128& hash) { out_.append(reinterpret_cast<const char*>(hash.data()), hash.size()); }
  void put(const std::string& text) {
    put(static_cast<std::uint32_t>(text.size()));
    out_ += text;
  }

 private:
  std::string& out_;
};

// Reads past the end give zeros and are remembered, so that decoding is a straight line with one check at its end.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  void take(bool& value) {
    std::uint8_t number = 0;
    take(number);
    if (number > 1) refuse();
    value = number == 1;
  }
  template <std::integral T>
  void take(T& value) {
    const std::string_view bytes = take_bytes(sizeof(T));
    std::make_unsigned_t<T> bits = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const auto byte = static_cast<std::make_unsigned_t<T>>(static_cast<unsigned char>(bytes[i]));
      bits = static_cast<std::make_unsigned_t<T>>(bits | static_cast<std::make_unsigned_t<T>>(byte << (8 * i)));
    }
    value = static_cast<T>(bits);
  }
  template <class T>
    requires std::is_enum_v<T>
  void take(T& value, T last) {
    std::underlying_type_t<T> number = 0;
    take(number);
    if (number > static_cast<std::underlying_type_t<T>>(last)) {
      refuse();
    } else {
      value = static_cast<T>(number);
    }
  }
  void take(Timestamp& time) {
    std::int64_t count = 0;
    take(count);
    time = Timestamp{std::chrono::microseconds{count}};
  }
  void take(Hash128& hash) {
    const std::string_view bytes = take_bytes(hash.size());
    std::memcpy(hash.data(), bytes.data(), bytes.size());
  }
  void take(std::string& text) {
    std::uint32_t size = 0;
    take(size);
    text = take_bytes(size);
  }

  void refuse() {
    refused_ = true;
    rest_ = {};
  }
  [[nodiscard]] bool all_taken() const { return !refused_ && rest_.empty(); }

 private:
  // Either `size` bytes or, after refusing, none.
  std::string_view take_bytes(std::size_t size) {
    if (size > rest_.size()) refuse();
    if (refused_) return std::string_view{""};
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  std::string_view rest_;
  bool refused_ = false;
};

// The optional members in the order of the bits that say which are there.
template <class T, class Visit>
void for_each_optional(T& transaction, Visit visit) {
  visit(transaction.to_user_id);
  visit(transaction.to_partition);
  visit(transaction.parent_id);
  visit(transaction.hold_expires_at);
  visit(transaction.overdraft_limit);
  visit(transaction.frozen);
  visit(transaction.idempotency_hash);
  visit(transaction.content_hash);
  visit(transaction.reference);
  visit(transaction.description);
  visit(transaction.metadata);
  visit(transaction.settled_at);
  visit(transaction.failure);
}
constexpr int kOptionals = 13;

std::uint16_t flags_of(const Transaction& transaction) {
  unsigned flags = 0;
  unsigned bit = 1;
  for_each_optional(transaction, [&](const auto& member) {
    if (member) flags |= bit;
    bit <<= 1;
  });
  return static_cast<std::uint16_t>(flags);
}

}  // namespace

void encode_transaction(const Transaction& transaction, std::string& out) {
  Writer writer(out);
  writer.put(kVersion);
  writer.put(flags_of(transaction));
  writer.put(transaction.id);
  writer.put(transaction.created_at);
  writer.put(transaction.partition);
  writer.put(transaction.type);
  writer.put(transaction.user_id);
  writer.put(transaction.amount_minor);
  writer.put(transaction.currency);
  writer.put(transaction.capture);
  writer.put(transaction.created_by);
  writer.put(transaction.status);
  for_each_optional(transaction, [&](const auto& member) {
    if (member) writer.put(*member);
  });
}

std::optional<Transaction> decode_transaction(std::string_view bytes) {
  Reader reader(bytes);
  std::uint8_t version = 0;
  std::uint16_t flags = 0;
  reader.take(version);
  reader.take(flags);
  if (version != kVersion || flags >> kOptionals != 0) return std::nullopt;

  Transaction transaction;
  reader.take(transaction.id);
  reader.take(transaction.created_at);
  reader.take(transaction.partition);
  reader.take(transaction.type, kLastType);
  reader.take(transaction.user_id);
  reader.take(transaction.amount_minor);
  reader.take(transaction.currency);
  reader.take(transaction.capture, kLastCapture);
  reader.take(transaction.created_by);
  reader.take(transaction.status, kLastStatus);
  unsigned bit = 1;
  for_each_optional(transaction, [&](auto& member) {
    if (flags & bit) {
      auto& value = member.emplace();
      if constexpr (std::is_same_v<decltype(value), Failure&>) {
        reader.take(value, kLastFailure);
      } else {
        reader.take(value);
      }
    }
    bit <<= 1;
  });
  if (!reader.all_taken()) return std::nullopt;
  return transaction;
}

}  // namespace tps::redis
