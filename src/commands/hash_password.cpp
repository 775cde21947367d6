#include "commands/hash_password.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <iostream>
#include <optional>
#include <string>

#include "auth/password.hpp"
#include "program/exit.hpp"

namespace tps {
namespace {

constexpr int kLeastBytes = 8;

// OpenSSL's prompt restores the terminal's echo, also after Ctrl-C. nullopt: no password was typed.
std::optional<std::string> ask_for_password() {
  std::array<char, auth::kMaxPasswordBytes + 2> typed{};  // one more, so that a longer one is noticed
  const int failed = EVP_read_pw_string_min(typed.data(), 0, typed.size() - 1, "Password: ", 0);
  std::string password = failed == 0 ? std::string(typed.data()) : std::string();
  OPENSSL_cleanse(typed.data(), typed.size());
  if (failed != 0) return std::nullopt;
  return password;
}

}  // namespace

int hash_password() {
  std::string password;
  if (isatty(STDIN_FILENO) != 0) {
    auto typed = ask_for_password();
    if (!typed) return fail("no password was given");
    password = std::move(*typed);
  } else {
    std::getline(std::cin, password);
  }
  if (password.size() < kLeastBytes || password.size() > auth::kMaxPasswordBytes) {
    return fail("a password must have 8 to 1024 bytes", kExitUsage);
  }
  fmt::print("{}\n", auth::hash_password(password));
  return kExitOk;
}

}  // namespace tps
