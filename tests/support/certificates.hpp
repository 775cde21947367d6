// Certificates for tests, created in a temporary folder that is removed with the object.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

struct evp_pkey_st;
struct x509_st;

namespace tps::tests {

// For 127.0.0.1 and localhost. All are valid for a day. If one cannot be created, the program ends.
class Certificates {
 public:
  // Paths of PEM files, and their contents.
  struct Pair {
    std::string certificate;
    std::string key;
    std::shared_ptr<x509_st> x509;
    std::shared_ptr<evp_pkey_st> pkey;
  };

  Certificates();
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;
  ~Certificates();

  // `name` is also the name of the files.
  [[nodiscard]] Pair authority(const std::string& name) const;
  // For the hosts in `names`, such as "DNS:localhost,IP:127.0.0.1".
  [[nodiscard]] Pair issue(const Pair& authority, const std::string& name,
                           const std::string& names = "DNS:localhost,IP:127.0.0.1") const;
  // A file with other contents.
  [[nodiscard]] std::string file(const std::string& name, const std::string& text) const;

 private:
  [[nodiscard]] Pair make(const Pair* authority, const std::string& name, const std::string& names) const;

  std::filesystem::path folder_;
};

}  // namespace tps::tests
