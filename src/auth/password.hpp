// Passwords are kept as argon2id hashes (RFC 9106) in the form that libargon2 and its command print. Both calls take
// tens of milliseconds and 19 MiB on purpose, so they belong on a thread of their own.
#pragma once

#include <cstdint>
#include <string>

namespace tps::auth {

inline constexpr std::size_t kMaxPasswordBytes = 1024;

// With the parameters that OWASP recommends (m = 19 MiB, t = 2, p = 1) and a random salt. Throws std::runtime_error
// when the system has no randomness or memory to give.
std::string hash_password(const std::string& password);

// False too for what is no hash. In constant time for one hash.
bool verify_password(const std::string& hash, const std::string& password);

// The relative cost of verify_password() with this hash, in no unit.
std::uint64_t cost_of_hash(const std::string& hash);

// The reason why a hash cannot be an entry of a users file; empty if it can.
std::string flaw_of_hash(const std::string& hash);

}  // namespace tps::auth
