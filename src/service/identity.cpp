#include "service/identity.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "ports/sha256.hpp"

namespace tps::service {
namespace {

domain::Hash128 first_half(const ports::Sha256& digest) {
  domain::Hash128 half{};
  std::copy_n(digest.begin(), half.size(), half.begin());
  return half;
}

// Every part is preceded by its length, so no two lists of parts give the same text. An absent part is its own length.
class Parts {
 public:
  void add(std::string_view part) {
    add_number(static_cast<std::int64_t>(part.size()));
    text_ += part;
  }
  void add_number(std::int64_t value) {
    for (int shift = 0; shift < 64; shift += 8) text_ += static_cast<char>((value >> shift) & 0xFF);
  }
  void add_optional(const std::optional<std::string>& part) {
    if (part) {
      add(*part);
    } else {
      add_number(-1);
    }
  }
  [[nodiscard]] domain::Hash128 hash() const { return first_half(ports::sha256(text_)); }

 private:
  std::string text_;
};

}  // namespace

std::uint32_t partition_of(std::string_view user_id, std::uint32_t partitions) {
  if (partitions <= 1) return 0;
  const ports::Sha256 digest = ports::sha256(user_id);
  std::uint64_t prefix = 0;
  for (int i = 0; i < 8; ++i) prefix = (prefix << 8) | digest[static_cast<std::size_t>(i)];
  return static_cast<std::uint32_t>(prefix % partitions);
}

domain::Hash128 idempotency_hash(std::string_view principal, std::string_view user_id, std::string_view key,
                                 std::optional<std::uint32_t> item) {
  Parts parts;
  parts.add(principal);
  parts.add(user_id);
  parts.add(key);
  parts.add_number(item ? std::int64_t{*item} : -1);
  return parts.hash();
}

domain::Hash128 content_hash(const domain::Transaction& transaction) {
  Parts parts;
  parts.add(domain::slug(transaction.type));
  parts.add(transaction.user_id);
  parts.add_optional(transaction.to_user_id);
  parts.add_number(transaction.amount_minor);
  parts.add(transaction.currency);
  parts.add_number(transaction.parent_id.value_or(-1));
  parts.add(domain::slug(transaction.capture));
  parts.add_optional(transaction.reference);
  parts.add_optional(transaction.description);
  parts.add_optional(transaction.metadata);
  // Only where there is one: what was hashed before these existed keeps its hash.
  if (transaction.hold_expires_at) parts.add_number((*transaction.hold_expires_at - transaction.created_at).count());
  if (transaction.type == domain::Type::account_update) {
    parts.add_number(transaction.overdraft_limit.value_or(-1));
    parts.add_number(transaction.frozen ? std::int64_t{*transaction.frozen} : -1);
  }
  return parts.hash();
}

}  // namespace tps::service
