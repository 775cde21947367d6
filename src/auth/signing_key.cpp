#include "auth/signing_key.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <set>
#include <stdexcept>

namespace tps::auth {
namespace {

constexpr std::size_t kLeastSecretBytes = 32;    // RFC 7518 section 3.2: as long as the hash
constexpr std::size_t kLeastDifferentBytes = 8;  // "aaaa...", "changemechangeme..."
// Out of tutorials and tools; long enough, and known to everybody.
constexpr std::array<std::string_view, 5> kPublished{
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",                   // FastAPI's documentation
    "your-256-bit-secret-your-256-bit-secret", "a-string-secret-at-least-256-bits-long",  // jwt.io
    "your_secret_key_here_change_in_production", "your-secret-key-change-in-production"};
constexpr int kLeastRsaBits = 2048;
constexpr std::size_t kP256Bytes = 32;
constexpr std::string_view kPemBegin = "-----BEGIN ";

struct Free {
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
  void operator()(OSSL_PARAM* parameters) const { OSSL_PARAM_free(parameters); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
}

Owned<BIGNUM> number(std::string_view big_endian) {
  return Owned<BIGNUM>(BN_bin2bn(bytes(big_endian), static_cast<int>(big_endian.size()), nullptr));
}

std::shared_ptr<EVP_PKEY> shared(EVP_PKEY* key) { return {key, EVP_PKEY_free}; }

// nullptr when OpenSSL will not have it.
std::shared_ptr<EVP_PKEY> public_key(const char* type, OSSL_PARAM_BLD* builder) {
  const Owned<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder));
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  return shared(key);
}

std::array<unsigned char, SHA256_DIGEST_LENGTH> hmac(std::string_view secret, std::string_view message) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  unsigned size = 0;
  if (HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), bytes(message), message.size(), digest.data(),
           &size) == nullptr) {
    throw std::runtime_error("HMAC failed");
  }
  return digest;
}

// A JWS has r and s side by side (RFC 7518 section 3.4), OpenSSL wants them in DER. "" for what is no signature.
std::string der_of(std::string_view signature) {
  if (signature.size() != 2 * kP256Bytes) return {};
  const Owned<ECDSA_SIG> parts(ECDSA_SIG_new());
  if (!parts || ECDSA_SIG_set0(parts.get(), number(signature.substr(0, kP256Bytes)).release(),
                               number(signature.substr(kP256Bytes)).release()) != 1) {
    return {};
  }
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(parts.get(), &der);
  if (size <= 0) return {};
  std::string out(der, der + size);
  OPENSSL_free(der);
  return out;
}

}  // namespace

std::string_view name_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::hs256:
      return "HS256";
    case Algorithm::rs256:
      return "RS256";
    case Algorithm::es256:
      break;
  }
  return "ES256";
}

std::expected<SigningKey, std::string> SigningKey::of_secret(std::string id, std::string secret) {
  if (secret.size() < kLeastSecretBytes) {
    return std::unexpected("a secret needs 32 bytes or more, such as `openssl rand -hex 32` gives");
  }
  const bool published = std::ranges::find(kPublished, secret) != kPublished.end();
  if (published || std::set<char>(secret.begin(), secret.end()).size() < kLeastDifferentBytes) {
    return std::unexpected("this secret can be guessed; use one such as `openssl rand -hex 32` gives");
  }
  SigningKey key(std::move(id), Algorithm::hs256);
  key.secret_ = std::move(secret);
  return key;
}

namespace {

// With the exponent 1 every text is its own signature; an even number is no product of two primes (SP 800-89 section
// 5.3.3).
bool is_sound_rsa(const EVP_PKEY& key) {
  BIGNUM* n = nullptr;
  BIGNUM* e = nullptr;
  EVP_PKEY_get_bn_param(&key, OSSL_PKEY_PARAM_RSA_N, &n);
  EVP_PKEY_get_bn_param(&key, OSSL_PKEY_PARAM_RSA_E, &e);
  const Owned<BIGNUM> modulus(n);
  const Owned<BIGNUM> exponent(e);
  return n != nullptr && e != nullptr && BN_is_odd(n) == 1 && BN_is_odd(e) == 1 && BN_is_one(e) == 0;
}

}  // namespace

std::expected<SigningKey, std::string> SigningKey::of_public_key(std::string id, PublicKey key) {
  if (!key) return std::unexpected("not a valid public key");
  Algorithm algorithm{};
  if (EVP_PKEY_is_a(key.get(), "RSA") == 1) {
    if (EVP_PKEY_get_bits(key.get()) < kLeastRsaBits) return std::unexpected("an RSA key needs 2048 bits or more");
    if (!is_sound_rsa(*key))
      return std::unexpected("an RSA key needs an odd modulus and an odd exponent of at least 3");
    algorithm = Algorithm::rs256;
  } else {
    std::array<char, 32> group{};
    if (EVP_PKEY_is_a(key.get(), "EC") != 1 ||
        EVP_PKEY_get_group_name(key.get(), group.data(), group.size(), nullptr) != 1 ||
        std::string_view(group.data()) != SN_X9_62_prime256v1) {
      return std::unexpected("only RSA and P-256 keys can be used");
    }
    algorithm = Algorithm::es256;
  }
  SigningKey made(std::move(id), algorithm);
  made.public_ = std::move(key);
  return made;
}

std::expected<std::vector<SigningKey>, std::string> SigningKey::of_pem(const std::string& pem) {
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<SigningKey> keys;
  while (EVP_PKEY* read = PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr)) {
    auto key = of_public_key("", shared(read));
    if (!key) return std::unexpected(key.error());
    keys.push_back(std::move(*key));
  }
  ERR_clear_error();  // the end of the text is an error to OpenSSL
  std::size_t blocks = 0;
  for (auto at = pem.find(kPemBegin); at != std::string::npos; at = pem.find(kPemBegin, at + 1)) ++blocks;
  if (blocks > keys.size()) return std::unexpected("a block of PEM is no PUBLIC KEY, or cannot be read");
  if (keys.empty()) return std::unexpected("no PUBLIC KEY in PEM");
  return keys;
}

std::expected<SigningKey, std::string> SigningKey::of_rsa(std::string id, std::string_view modulus,
                                                          std::string_view exponent) {
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  const Owned<BIGNUM> n = number(modulus);
  const Owned<BIGNUM> e = number(exponent);
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  return of_public_key(std::move(id), public_key("RSA", builder.get()));
}

std::expected<SigningKey, std::string> SigningKey::of_p256(std::string id, std::string_view x, std::string_view y) {
  if (x.size() != kP256Bytes || y.size() != kP256Bytes) return std::unexpected("x and y of P-256 have 32 bytes each");
  std::string point = "\x04";  // uncompressed
  point += x;
  point += y;
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, SN_X9_62_prime256v1, 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  return of_public_key(std::move(id), public_key("EC", builder.get()));
}

bool SigningKey::verify(std::string_view message, std::string_view signature) const {
  if (algorithm_ == Algorithm::hs256) {
    const auto expected = hmac(secret_, message);
    return signature.size() == expected.size() &&
           CRYPTO_memcmp(expected.data(), signature.data(), expected.size()) == 0;
  }
  std::string der;
  if (algorithm_ == Algorithm::es256) {
    der = der_of(signature);
    if (der.empty()) return false;
    signature = der;
  }
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  // RSA keys verify PKCS #1 v1.5 unless told otherwise, which is RS256.
  const bool good =
      context && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, public_.get()) == 1 &&
      EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(message), message.size()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

std::string SigningKey::sign(std::string_view message) const {
  if (algorithm_ != Algorithm::hs256) throw std::logic_error("only a secret signs");
  const auto digest = hmac(secret_, message);
  return {digest.begin(), digest.end()};
}

}  // namespace tps::auth
