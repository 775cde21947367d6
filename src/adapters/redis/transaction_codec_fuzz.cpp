// Whatever the decoder accepts must be the one encoding of what it gives.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "adapters/redis/transaction_codec.hpp"

extern const std::span<const std::string_view> fuzz_seeds;

namespace {

std::string encoded(bool everything) {
  tps::domain::Transaction transaction;
  transaction.id = 7;
  transaction.user_id = "user_11";
  transaction.amount_minor = 1275;
  transaction.currency = "USD";
  transaction.created_by = "anonymous";
  transaction.status = tps::domain::Status::settled;
  transaction.settled_at = transaction.created_at;
  if (everything) {
    transaction.to_user_id = "user_12";
    transaction.to_partition = 3;
    transaction.parent_id = 6;
    transaction.hold_expires_at = transaction.created_at;
    transaction.idempotency_hash = tps::domain::Hash128{1};
    transaction.content_hash = tps::domain::Hash128{2};
    transaction.reference = "reference";
    transaction.description = "description";
    transaction.metadata = R"({"a":"b"})";
    transaction.failure = tps::domain::Failure::account_frozen;
  }
  std::string out;
  tps::redis::encode_transaction(transaction, out);
  return out;
}

const std::string kSmall = encoded(false);
const std::string kLarge = encoded(true);
const std::array<std::string_view, 2> kSeeds{kSmall, kLarge};

}  // namespace

const std::span<const std::string_view> fuzz_seeds(kSeeds);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto transaction = tps::redis::decode_transaction(bytes);
  if (!transaction) return 0;
  std::string again;
  tps::redis::encode_transaction(*transaction, again);
  if (again != bytes) std::abort();
  return 0;
}
