// The values of all settings, read once from their texts. Everything that is built takes these.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "adapters/redis/url.hpp"
#include "auth/signing_key.hpp"
#include "auth/token.hpp"
#include "domain/currency.hpp"
#include "http/server/server_options.hpp"
#include "ops/log.hpp"
#include "program/config.hpp"

namespace tps {

struct SqliteFile {
  std::string path;
};

struct PostgresServer {
  std::string url;
  bool prepared_statements = true;
};

struct Partitions {
  std::uint32_t count = 1;
  bool chosen = false;  // false: any number will do for a database that has one already
};

// Authentication, login and rate limits.
struct AccessSettings {
  bool required = false;                   // every request needs a credential
  bool insecure = false;                   // non-loopback addresses may be served without one
  std::string keys_url;                    // of a JWK Set; empty: none
  std::string keys_file;                   // likewise
  std::string keys_ca_file;                // empty: those of the system
  std::optional<auth::SigningKey> secret;  // signs, too
  std::optional<auth::SigningKey> previous_secret;
  auth::TokenRules rules;
  std::string users_file;  // empty: none
  std::chrono::seconds token_lifetime{900};
  std::int64_t requests_per_second = 0;              // of a caller; 0: unlimited
  std::int64_t requests_per_second_and_address = 0;  // likewise
};

struct Settings {
  ops::Level log_level = ops::Level::info;
  ops::LogFormat log_format = ops::LogFormat::automatic;
  domain::Currencies currencies;

  std::variant<SqliteFile, PostgresServer> database;
  Partitions partitions;
  bool migrate = false;
  bool worker = true;
  std::optional<redis::Options> redis;
  std::size_t local_cache = 0;  // transactions

  http::ServerOptions server;  // max_connections: as many as were asked for
  std::chrono::milliseconds request_timeout{};
  AccessSettings access;

  std::size_t submit_queue = 0;
  std::size_t read_queue = 0;
  std::size_t query_queue = 0;
  std::size_t max_flight = 0;
  std::size_t settle_batch = 0;
};

// Reads nothing but the texts: neither a file nor a network is touched. A setting that `command` does not read keeps
// its default, whatever its text. The error is a sentence that begins with the name of the setting; it never repeats a
// secret.
std::expected<Settings, std::string> read_settings(const Config& config, Command command);

}  // namespace tps
