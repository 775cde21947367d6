// Where Redis is and how to log in there.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace tps::redis {

struct Options {
  std::string host;
  std::uint16_t port = 6379;
  std::string user;      // empty: the default user
  std::string password;  // empty: do not log in
  int database = 0;
  bool tls = false;
  std::string ca_file;  // of the authorities that Redis must be certified by; empty: those of the system
  std::chrono::milliseconds budget{20};  // longest that one get or put may take, connecting included
};

// redis://, or rediss:// for TLS, and [user[:password]@]host[:port][/database], user and password percent-encoded. An
// IPv6 address stands in brackets. Without `ca_file`, which is no part of it. The error is a sentence for people; it
// never repeats the URL, which may hold a password.
std::expected<Options, std::string> parse_redis_url(std::string_view url);

}  // namespace tps::redis
