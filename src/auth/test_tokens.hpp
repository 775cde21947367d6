// For tests of this room: keys made on the spot, and tokens of any shape signed with them.
#pragma once

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <string>
#include <string_view>

#include "auth/principal.hpp"
#include "auth/signing_key.hpp"
#include "wire/base64url.hpp"

namespace tps::auth {

inline const std::string kSecret = "5f0c7b6e1a9d48c2b3e4f5061728394a";
inline constexpr WallTime kNow{std::chrono::seconds(1'800'000'000)};

inline std::string pem_of(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, key);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

// A private key of a test's own.
class KeyPair {
 public:
  static KeyPair rsa(int bits = 2048) { return KeyPair(EVP_RSA_gen(static_cast<unsigned>(bits))); }
  static KeyPair p256() { return KeyPair(EVP_EC_gen("P-256")); }
  static KeyPair p384() { return KeyPair(EVP_EC_gen("P-384")); }

  [[nodiscard]] std::string pem() const { return pem_of(key_.get()); }

  // As a JWS wants it.
  [[nodiscard]] std::string sign(std::string_view message) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key_.get());
    std::string signature(512, '\0');
    std::size_t size = signature.size();
    EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                   reinterpret_cast<const unsigned char*>(message.data()), message.size());
    EVP_MD_CTX_free(context);
    signature.resize(size);
    return EVP_PKEY_is_a(key_.get(), "EC") == 1 ? raw(signature) : signature;
  }

 private:
  explicit KeyPair(EVP_PKEY* key) : key_(key, EVP_PKEY_free) {}

  static std::string raw(const std::string& der) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    ECDSA_SIG* parts = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
    std::string out(64, '\0');
    auto* bytes = reinterpret_cast<unsigned char*>(out.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(parts), bytes, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(parts), bytes + 32, 32);
    ECDSA_SIG_free(parts);
    return out;
  }

  std::shared_ptr<EVP_PKEY> key_;
};

inline std::string unsigned_token(std::string_view header, std::string_view claims) {
  return wire::to_base64url(header) + '.' + wire::to_base64url(claims);
}

template <class Key>
std::string token(const Key& key, std::string_view header, std::string_view claims) {
  const std::string message = unsigned_token(header, claims);
  return message + '.' + wire::to_base64url(key.sign(message));
}

}  // namespace tps::auth
