// The form of a transaction in Redis, and why it can be believed. Anyone may be able to write into a shared Redis,
// so a value carries a MAC over its key and its bytes, made with a secret that only the store knows.
#pragma once

#include <openssl/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "domain/transaction.hpp"
#include "ports/store.hpp"

namespace tps::redis {

// One thread at a time.
class Seal {
 public:
  // A store without a secret of at least 16 bytes is a bug and ends the program.
  explicit Seal(const ports::StoreIdentity& store);

  // tps:{store_id}:{schema}:{lineage}:txn:<id>, so two stores, schemas or histories in one Redis never meet.
  [[nodiscard]] std::string key(std::string_view lineage, std::int64_t id) const;

  // The value for `key`: the encoded transaction and 16 bytes of HMAC-SHA256.
  std::string seal(std::string_view key, const domain::Transaction& transaction);

  // The final transaction `id` if `value` was sealed for `key` with this store's secret; nullopt for anything else.
  std::optional<domain::Transaction> open(std::string_view key, std::int64_t id, std::string_view value);

 private:
  static constexpr std::size_t kMacBytes = 16;
  using Mac = std::array<unsigned char, kMacBytes>;

  Mac mac(std::string_view key, std::string_view bytes);

  const std::string prefix_;
  const std::unique_ptr<EVP_MAC_CTX, void (*)(EVP_MAC_CTX*)> context_;
};

}  // namespace tps::redis
