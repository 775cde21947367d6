#include "support/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>

namespace tps::tests {
namespace {

constexpr long kDay = 24 * 60 * 60;

void must(bool done, const char* what) {
  if (done) return;
  std::fprintf(stderr, "certificates for tests: %s\n", what);
  std::abort();
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, value.c_str());
  X509_EXTENSION_free(extension);
}

template <class Write>
void write_pem(const std::string& path, Write write) {
  BIO* file = BIO_new_file(path.c_str(), "w");
  must(file != nullptr && write(file) == 1, path.c_str());
  BIO_free(file);
}

}  // namespace

Certificates::Certificates() {
  std::string path = (std::filesystem::temp_directory_path() / "tps-certificates-XXXXXX").string();
  must(mkdtemp(path.data()) != nullptr, "no temporary folder");
  folder_ = path;
}

Certificates::~Certificates() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

Certificates::Pair Certificates::authority(const std::string& name) const { return make(nullptr, name, ""); }

Certificates::Pair Certificates::issue(const Pair& authority, const std::string& name, const std::string& names) const {
  return make(&authority, name, names);
}

std::string Certificates::file(const std::string& name, const std::string& text) const {
  const std::filesystem::path path = folder_ / name;
  std::ofstream(path) << text;
  return path.string();
}

Certificates::Pair Certificates::make(const Pair* authority, const std::string& name, const std::string& names) const {
  const std::shared_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::shared_ptr<X509> made(X509_new(), X509_free);
  must(key && made, "no memory");
  X509* issuer = authority == nullptr ? made.get() : authority->x509.get();
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), static_cast<long>(std::random_device{}() >> 1));
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), kDay);
  X509_set_pubkey(made.get(), key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(made.get(), X509_get_subject_name(issuer));
  add_extension(made.get(), issuer, NID_basic_constraints, authority == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
  if (!names.empty()) add_extension(made.get(), issuer, NID_subject_alt_name, names);
  must(X509_sign(made.get(), authority == nullptr ? key.get() : authority->pkey.get(), EVP_sha256()) > 0, "signing");

  Pair pair{(folder_ / (name + ".crt")).string(), (folder_ / (name + ".key")).string(), made, key};
  write_pem(pair.certificate, [&](BIO* file) { return PEM_write_bio_X509(file, made.get()); });
  write_pem(pair.key, [&](BIO* file) {
    return PEM_write_bio_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  return pair;
}

}  // namespace tps::tests
