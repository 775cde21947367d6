// One key that signs tokens, bound to its one algorithm (RFC 8725 section 3.1): what a token says of itself never
// chooses. The cryptography is OpenSSL's. Keys are immutable and may be shared by threads.
#pragma once

#include <openssl/evp.h>

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tps::auth {

// RFC 7518 section 3.1.
enum class Algorithm : std::uint8_t { hs256, rs256, es256 };

std::string_view name_of(Algorithm algorithm);  // "HS256", ...

class SigningKey {
 public:
  // `id` is the token's `kid`, "" for a key without one. The errors are sentences for operators, without the key.

  // HS256. Refuses what can be guessed: under 32 bytes, hardly any different characters.
  static std::expected<SigningKey, std::string> of_secret(std::string id, std::string secret);

  // Every PUBLIC KEY block of a PEM text: RSA of 2048 bits or more is RS256, P-256 is ES256.
  static std::expected<std::vector<SigningKey>, std::string> of_pem(const std::string& pem);

  // The public key of JWK members as big-endian bytes (RFC 7518 section 6).
  static std::expected<SigningKey, std::string> of_rsa(std::string id, std::string_view modulus,
                                                       std::string_view exponent);
  static std::expected<SigningKey, std::string> of_p256(std::string id, std::string_view x, std::string_view y);

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] Algorithm algorithm() const { return algorithm_; }

  // In constant time where the secret is ours.
  [[nodiscard]] bool verify(std::string_view message, std::string_view signature) const;

  // HS256 only; another key is a bug.
  [[nodiscard]] std::string sign(std::string_view message) const;

 private:
  using PublicKey = std::shared_ptr<EVP_PKEY>;

  SigningKey(std::string id, Algorithm algorithm) : id_(std::move(id)), algorithm_(algorithm) {}
  static std::expected<SigningKey, std::string> of_public_key(std::string id, PublicKey key);

  std::string id_;
  Algorithm algorithm_;
  std::string secret_;  // HS256
  PublicKey public_;    // else
};

}  // namespace tps::auth
