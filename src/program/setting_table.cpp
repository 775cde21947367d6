#include "program/setting_table.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace tps {
namespace {

using Kind = SettingKind;
using Group = SettingGroup;

constexpr std::int64_t kMillion = 1'000'000;

constexpr CommandSet kConfig = set_of(Command::config);
constexpr CommandSet kServe = set_of(Command::serve) | kConfig;
constexpr CommandSet kServers = kServe | set_of(Command::worker);
constexpr CommandSet kListeners = kServers | set_of(Command::health);
constexpr CommandSet kImport = kServe | set_of(Command::import);
constexpr CommandSet kWriters = kServers | kImport | set_of(Command::migrate);
constexpr CommandSet kReaders = kWriters | set_of(Command::export_all) | set_of(Command::verify) |
                                set_of(Command::backup) | set_of(Command::restore) | set_of(Command::keys);
constexpr CommandSet kAll = kReaders | kListeners;

constexpr std::array kSettings{
    Setting{.name = "listen",
            .kind = Kind::text,
            .group = Group::listen,
            .meaning = "address and port to listen on (port 0 = any free port)",
            .readers = kListeners,
            .fallback = "127.0.0.1:8000",
            .value = "ADDRESS:PORT",
            .of_probe = "address and port on which the instance listens"},
    Setting{.name = "tls-certificate",
            .kind = Kind::file,
            .group = Group::listen,
            .meaning = "PEM file of the server's certificate chain, for HTTPS; read again on SIGHUP",
            .readers = kListeners,
            .of_probe = "given if the instance serves HTTPS: its tls-certificate"},
    Setting{.name = "tls-key",
            .kind = Kind::file,
            .group = Group::listen,
            .meaning = "PEM file of the certificate's private key, without a passphrase; read again on SIGHUP",
            .readers = kListeners,
            .of_probe = "its tls-key; needed with tls-client-ca"},
    Setting{.name = "tls-client-ca",
            .kind = Kind::file,
            .group = Group::listen,
            .meaning = "PEM file of CA certificates; clients must present a certificate that one of them signed "
                       "(empty = clients need none); read again on SIGHUP",
            .readers = kListeners,
            .of_probe =
                "given if the instance asks its clients for certificates: the check then presents the instance's "
                "own certificate",
            .advanced = true},
    Setting{.name = "trusted-proxies",
            .kind = Kind::text,
            .group = Group::listen,
            .meaning = "addresses and networks of proxies whose X-Forwarded-For header is trusted, such as "
                       "10.1.7.0/28,192.0.2.7",
            .readers = kServers,
            .value = "LIST",
            .advanced = true},
    Setting{.name = "drain-delay",
            .kind = Kind::number,
            .group = Group::listen,
            .meaning = "how long to keep accepting connections after SIGTERM, while load balancers notice that "
                       "/readiness fails",
            .readers = kServers,
            .fallback = "0",
            .unit = "ms",
            .advanced = true,
            .most = 20'000},
    Setting{.name = "drain-timeout",
            .kind = Kind::number,
            .group = Group::listen,
            .meaning = "how long requests in progress may take to end, after drain-delay",
            .readers = kServers,
            .fallback = "20000",
            .unit = "ms",
            .advanced = true,
            .most = 25'000},

    Setting{.name = "database-url",
            .kind = Kind::text,
            .group = Group::database,
            .meaning = "the database, sqlite:PATH or postgresql://...; DATABASE_URL is read, too",
            .readers = kReaders,
            .fallback = "sqlite:tps.db",
            .value = "URL",
            .secret = true},
    Setting{.name = "migrate",
            .kind = Kind::toggle,
            .group = Group::database,
            .meaning = "bring the schema of a PostgreSQL database up to date before serving (SQLite: always)",
            .readers = kServers,
            .fallback = "false"},
    Setting{.name = "worker",
            .kind = Kind::toggle,
            .group = Group::database,
            .meaning = "settle transactions in this process; if off, run tps worker elsewhere (PostgreSQL only)",
            .readers = kServe,
            .fallback = "true"},
    Setting{.name = "accept-only",
            .kind = Kind::toggle,
            .group = Group::database,
            .meaning = "allow --no-worker on SQLite: transactions stay pending until a server with a worker opens the "
                       "file; for measurements",
            .readers = kServe,
            .fallback = "false",
            .advanced = true},
    Setting{.name = "partitions",
            .kind = Kind::number,
            .group = Group::database,
            .meaning = "number of transaction logs of a new database; fixed by its first migration",
            .readers = kWriters,
            .fallback = "1",
            .unit = "logs",
            .advanced = true,
            .least = 1,
            .most = 256},
    Setting{.name = "prepared-statements",
            .kind = Kind::toggle,
            .group = Group::database,
            .meaning = "use prepared statements; switch off for PgBouncer before 1.21 in transaction mode",
            .readers = kReaders,
            .fallback = "true",
            .advanced = true},
    Setting{.name = "assets",
            .kind = Kind::text,
            .group = Group::database,
            .meaning = "currencies in addition to ISO 4217, as CODE:DECIMALS, such as BTC:8,POINTS:0",
            .readers = kReaders,
            .value = "LIST",
            .advanced = true},

    Setting{.name = "redis-url",
            .kind = Kind::text,
            .group = Group::cache,
            .meaning =
                "the shared cache, such as redis://user:pass@host:6379/0, or rediss:// for TLS (empty = no shared "
                "cache); REDIS_URL is read, too",
            .readers = kServe,
            .value = "URL",
            .secret = true},
    Setting{.name = "redis-ca-file",
            .kind = Kind::file,
            .group = Group::cache,
            .meaning = "PEM file of the CA certificates that verify a rediss:// server (empty = those of the system)",
            .readers = kServe,
            .advanced = true},
    Setting{.name = "local-cache",
            .kind = Kind::number,
            .group = Group::cache,
            .meaning = "maximum transactions cached in this process (0 = no cache)",
            .readers = kServe,
            .fallback = "50000",
            .unit = "transactions",
            .advanced = true,
            .most = 10 * kMillion},

    Setting{.name = "auth",
            .kind = Kind::toggle,
            .group = Group::access,
            .meaning =
                "require a token or an API key for transactions and accounts (not for /health, /readiness, /metrics, "
                "the API documents and POST /token); jwt-keys, jwt-secret, jwt-issuer, jwt-audience and users-file "
                "switch it on",
            .readers = kServe,
            .fallback = "false"},
    Setting{.name = "insecure-no-auth",
            .kind = Kind::toggle,
            .group = Group::access,
            .meaning = "allow listening on non-loopback addresses without authentication",
            .readers = kServe,
            .fallback = "false"},
    Setting{.name = "jwt-keys",
            .kind = Kind::file,
            .group = Group::access,
            .meaning = "public keys that verify tokens of an issuer: the https:// URL of a JWK Set, or a file with a "
                       "JWK Set or with PEM blocks PUBLIC KEY",
            .readers = kServe,
            .value = "URL|FILE"},
    Setting{.name = "jwt-keys-ca-file",
            .kind = Kind::file,
            .group = Group::access,
            .meaning = "PEM file of the CA certificates that verify the server of a jwt-keys URL (empty = those of the "
                       "system)",
            .readers = kServe,
            .advanced = true},
    Setting{.name = "jwt-secret",
            .kind = Kind::text,
            .group = Group::access,
            .meaning = "secret that signs and verifies HS256 tokens, at least 32 bytes",
            .readers = kServe,
            .value = "SECRET",
            .secret = true},
    Setting{.name = "jwt-previous-secret",
            .kind = Kind::text,
            .group = Group::access,
            .meaning = "secret that still verifies HS256 tokens while jwt-secret is being rotated",
            .readers = kServe,
            .value = "SECRET",
            .advanced = true,
            .secret = true},
    Setting{.name = "jwt-issuer",
            .kind = Kind::text,
            .group = Group::access,
            .meaning = "required value of a token's iss claim (empty = not checked)",
            .readers = kServe,
            .value = "TEXT",
            .advanced = true},
    Setting{.name = "jwt-audience",
            .kind = Kind::text,
            .group = Group::access,
            .meaning = "value that a token's aud claim must contain (empty = not checked)",
            .readers = kServe,
            .value = "TEXT",
            .advanced = true},
    Setting{.name = "users-file",
            .kind = Kind::file,
            .group = Group::access,
            .meaning = "users who can log in at POST /token, one per line: NAME HASH SCOPES [user=ID]; needs "
                       "jwt-secret, which signs "
                       "their tokens",
            .readers = kServe},
    Setting{.name = "token-lifetime",
            .kind = Kind::number,
            .group = Group::access,
            .meaning = "lifetime of a token that POST /token issues",
            .readers = kServe,
            .fallback = "900",
            .unit = "s",
            .advanced = true,
            .least = 60,
            .most = 86'400},
    Setting{.name = "rate-limit",
            .kind = Kind::number,
            .group = Group::access,
            .meaning =
                "requests per second per caller (the subject of its credential; without authentication all callers "
                "together), averaged over 10 s; excess requests get 429 (0 = unlimited)",
            .readers = kServe,
            .fallback = "0",
            .unit = "requests/s",
            .most = kMillion},
    Setting{.name = "address-rate-limit",
            .kind = Kind::number,
            .group = Group::access,
            .meaning = "requests per second per client address, averaged over 10 s; excess requests get 429 "
                       "(0 = unlimited)",
            .readers = kServe,
            .fallback = "0",
            .unit = "requests/s",
            .advanced = true,
            .most = kMillion},

    Setting{.name = "max-connections",
            .kind = Kind::number,
            .group = Group::limits,
            .meaning = "maximum open connections; above it connections get 503 and are closed, except for /health, "
                       "/readiness and /metrics",
            .readers = kServers,
            .fallback = "10000",
            .unit = "connections",
            .least = 1,
            .most = kMillion},
    Setting{.name = "connections-per-client",
            .kind = Kind::number,
            .group = Group::limits,
            .meaning =
                "maximum open connections per client address; above it connections get 503 and are closed, except for "
                "/health, /readiness and /metrics (0 = unlimited)",
            .readers = kServers,
            .fallback = "0",
            .unit = "connections",
            .advanced = true,
            .most = kMillion},
    Setting{.name = "io-threads",
            .kind = Kind::number,
            .group = Group::limits,
            .meaning = "threads that serve connections",
            .readers = kServers,
            .fallback = "1",
            .unit = "threads",
            .least = 1,
            .most = 64},
    Setting{.name = "request-timeout",
            .kind = Kind::number,
            .group = Group::limits,
            .meaning =
                "deadline of a request after its arrival: one that has not started by then gets 503, one whose outcome "
                "is not known by then gets 504, at most 1 s later",
            .readers = kServe,
            .fallback = "10000",
            .unit = "ms",
            .least = 4'000,
            .most = 600'000},
    Setting{.name = "header-timeout",
            .kind = Kind::number,
            .group = Group::limits,
            .meaning = "time limit for receiving a request's header",
            .readers = kServers,
            .fallback = "10000",
            .unit = "ms",
            .advanced = true,
            .least = 10,
            .most = 600'000},
    Setting{.name = "body-timeout",
            .kind = Kind::number,
            .group = Group::limits,
            .meaning = "time limit for receiving a request's body",
            .readers = kServers,
            .fallback = "30000",
            .unit = "ms",
            .advanced = true,
            .least = 10,
            .most = 600'000},
    Setting{.name = "idle-timeout",
            .kind = Kind::number,
            .group = Group::limits,
            .meaning = "how long a keep-alive connection may be idle between two requests before it is closed",
            .readers = kServers,
            .fallback = "75000",
            .unit = "ms",
            .advanced = true,
            .least = 10,
            .most = 3'600'000},
    Setting{.name = "max-body-memory",
            .kind = Kind::number,
            .group = Group::limits,
            .meaning = "maximum memory of all large request bodies together; above it requests get 503",
            .readers = kServers,
            .fallback = "536870912",
            .unit = "bytes",
            .advanced = true,
            .least = 16LL * 1024 * 1024,
            .most = 1024LL * 1024 * 1024 * 1024},
    Setting{.name = "submit-queue",
            .kind = Kind::number,
            .group = Group::limits,
            .meaning = "maximum queued writes; above it requests get 503",
            .readers = kServe,
            .fallback = "20000",
            .unit = "transactions",
            .advanced = true,
            .least = 1,
            .most = 10 * kMillion},
    Setting{.name = "read-queue",
            .kind = Kind::number,
            .group = Group::limits,
            .meaning = "maximum queued reads of single transactions; above it requests get 503",
            .readers = kServe,
            .fallback = "20000",
            .unit = "requests",
            .advanced = true,
            .least = 1,
            .most = 10 * kMillion},
    Setting{.name = "query-queue",
            .kind = Kind::number,
            .group = Group::limits,
            .meaning = "maximum queued lists and statements, and as many queued balances; above it requests get 503",
            .readers = kServe,
            .fallback = "1000",
            .unit = "requests",
            .advanced = true,
            .least = 1,
            .most = kMillion},
    Setting{.name = "max-flight",
            .kind = Kind::number,
            .group = Group::limits,
            .meaning = "maximum transactions written in one commit, or looked up in one query",
            .readers = kImport,
            .fallback = "2000",
            .unit = "transactions",
            .advanced = true,
            .least = 1,
            .most = 10'000},
    Setting{.name = "settle-batch",
            .kind = Kind::number,
            .group = Group::limits,
            .meaning = "maximum transactions settled in one commit",
            .readers = kServers,
            .fallback = "4000",
            .unit = "transactions",
            .advanced = true,
            .least = 1,
            .most = 20'000},

    Setting{.name = "log-level",
            .kind = Kind::choice,
            .group = Group::logging,
            .meaning = "the least important messages to log",
            .readers = kReaders,
            .fallback = "info",
            .choices = "debug info warn error"},
    Setting{.name = "log-format",
            .kind = Kind::choice,
            .group = Group::logging,
            .meaning = "format of log lines (auto = human on a terminal, json elsewhere)",
            .readers = kReaders,
            .fallback = "auto",
            .choices = "auto json human"},

    Setting{.name = "config",
            .kind = Kind::file,
            .group = Group::general,
            .meaning = "file of settings, one NAME = VALUE per line",
            .readers = kAll},
};

constexpr std::array kGroupTitles{"Listen", "Database", "Cache", "Access", "Limits", "Logging", "Options"};
constexpr std::array kCommandNames{"serve",  "worker",  "migrate", "import", "export", "verify",
                                   "backup", "restore", "keys",    "health", "config"};
constexpr std::string_view kWorkerListens = "127.0.0.1:8001";

}  // namespace

std::string_view title_of(SettingGroup group) { return kGroupTitles.at(static_cast<std::size_t>(group)); }
std::string_view name_of(Command command) { return kCommandNames.at(static_cast<std::size_t>(command)); }

std::span<const Setting> settings() { return kSettings; }

const Setting* find_setting(std::string_view name) {
  const auto* const found = std::ranges::find(kSettings, name, &Setting::name);
  return found == kSettings.end() ? nullptr : found;
}

std::vector<std::string> choices_of(const Setting& setting) {
  std::vector<std::string> words;
  for (std::string_view rest = setting.choices; !rest.empty();) {
    const std::size_t space = std::min(rest.find(' '), rest.size());
    words.emplace_back(rest.substr(0, space));
    rest.remove_prefix(std::min(space + 1, rest.size()));
  }
  return words;
}

std::string_view meaning_for(const Setting& setting, Command command) {
  return command == Command::health && !setting.of_probe.empty() ? setting.of_probe : setting.meaning;
}

std::string_view fallback_for(const Setting& setting, Command command) {
  return command == Command::worker && setting.name == "listen" ? kWorkerListens : setting.fallback;
}

std::string environment_name(std::string_view setting) {
  std::string name = "TPS_";
  for (const char c : setting) name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

std::optional<std::string_view> setting_of_variable(std::string_view variable) {
  if (variable == "DATABASE_URL") return "database-url";
  if (variable == "REDIS_URL") return "redis-url";
  const auto* const found = std::ranges::find_if(
      kSettings, [variable](const Setting& setting) { return environment_name(setting.name) == variable; });
  return found == kSettings.end() ? std::nullopt : std::optional(found->name);
}

}  // namespace tps
