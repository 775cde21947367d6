#include "adapters/redis/seal.hpp"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <cstdlib>

#include "adapters/redis/transaction_codec.hpp"
#include "ops/log.hpp"

namespace tps::redis {
namespace {

constexpr std::size_t kMinSecretBytes = 16;

void demand(bool held, std::string_view what) {
  if (held) return;
  ops::log(ops::Level::error, "redis seal", {{"detail", what}});
  ops::flush_log();
  std::abort();
}

// The key is taken in once; each MAC starts again from there, which is three times faster than from the start.
EVP_MAC_CTX* make_context(const std::vector<std::uint8_t>& secret) {
  demand(secret.size() >= kMinSecretBytes, "the store's cache secret is too short");
  EVP_MAC* algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(algorithm);
  EVP_MAC_free(algorithm);
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
  demand(context != nullptr && EVP_MAC_init(context, secret.data(), secret.size(), params) == 1, "no HMAC-SHA256");
  return context;
}

}  // namespace

Seal::Seal(const ports::StoreIdentity& store)
    : prefix_(fmt::format("tps:{{{}}}:{}:", store.store_id, store.schema)),
      context_(make_context(store.cache_secret), EVP_MAC_CTX_free) {}

std::string Seal::key(std::string_view lineage, std::int64_t id) const {
  return fmt::format("{}{}:txn:{}", prefix_, lineage, id);
}

std::string Seal::seal(std::string_view key, const domain::Transaction& transaction) {
  std::string value;
  encode_transaction(transaction, value);
  const Mac code = mac(key, value);
  value.append(reinterpret_cast<const char*>(code.data()), code.size());
  return value;
}

std::optional<domain::Transaction> Seal::open(std::string_view key, std::int64_t id, std::string_view value) {
  if (value.size() < kMacBytes) return std::nullopt;
  const std::string_view bytes = value.substr(0, value.size() - kMacBytes);
  const Mac expected = mac(key, bytes);
  if (CRYPTO_memcmp(expected.data(), value.data() + bytes.size(), kMacBytes) != 0) return std::nullopt;
  auto transaction = decode_transaction(bytes);
  if (!transaction || transaction->id != id || !domain::is_final(transaction->status)) return std::nullopt;
  return transaction;
}

Seal::Mac Seal::mac(std::string_view key, std::string_view bytes) {
  // The length of the key goes in first, so that no other split of the same bytes has the same code.
  const std::uint64_t key_size = key.size();
  unsigned char full[EVP_MAX_MD_SIZE];
  std::size_t size = 0;
  const auto update = [&](const void* data, std::size_t data_size) {
    return EVP_MAC_update(context_.get(), static_cast<const unsigned char*>(data), data_size) == 1;
  };
  const bool done = EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1 && update(&key_size, sizeof key_size) &&
                    update(key.data(), key.size()) && update(bytes.data(), bytes.size()) &&
                    EVP_MAC_final(context_.get(), full, &size, sizeof full) == 1;
  demand(done && size >= kMacBytes, "HMAC-SHA256 failed");
  Mac code{};
  std::copy_n(full, kMacBytes, code.begin());
  return code;
}

}  // namespace tps::redis
