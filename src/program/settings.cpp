#include "program/settings.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "adapters/postgres/store.hpp"
#include "auth/key_url.hpp"

namespace tps {
namespace {

using std::chrono::milliseconds;

// Each of these switches authentication on.
constexpr std::array kImplyAuthentication{"jwt-keys",   "jwt-secret",   "jwt-previous-secret",
                                          "jwt-issuer", "jwt-audience", "users-file"};
constexpr std::string_view kSqlitePrefix = "sqlite:";
constexpr std::string_view kSqliteAsUrl = "sqlite://";

// A value, or a sentence without the setting's name, which the reader of the values adds.
template <class T>
using Parsed = std::expected<T, std::string>;

// Reads texts as values and remembers the first that is wrong.
class Reader {
 public:
  Reader(const Config& config, Command command) : config_(config), command_(command) {}

  [[nodiscard]] std::string text(std::string_view name) const {
    const Setting* setting = find_setting(name);
    if (setting == nullptr) throw std::logic_error("there is no setting " + std::string(name));
    return setting->is_read_by(command_) ? config_.text(name) : std::string(fallback_for(*setting, command_));
  }

  [[nodiscard]] bool is_given(std::string_view name) const {
    return find_setting(name)->is_read_by(command_) && !config_.value(name).is_default();
  }

  // Config has checked numbers and toggles.
  template <class T = std::size_t>
  [[nodiscard]] T number(std::string_view name) const {
    return static_cast<T>(parse_number(text(name)).value());
  }
  [[nodiscard]] milliseconds ms(std::string_view name) const { return milliseconds(number<std::int64_t>(name)); }
  [[nodiscard]] bool toggle(std::string_view name) const { return parse_toggle(text(name)).value(); }

  template <class Parse>
  auto parsed(std::string_view name, Parse parse) {
    auto result = parse(text(name));
    using Value = typename decltype(result)::value_type;
    if (result) return std::move(*result);
    reject(name, result.error());
    return Value{};
  }

  void reject(std::string_view name, const std::string& why) {
    if (error_.empty()) error_ = std::string(name) + ": " + why;
  }

  [[nodiscard]] std::string source(std::string_view name) const { return config_.value(name).source; }
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  const Config& config_;
  const Command command_;
  std::string error_;
};

Parsed<std::variant<SqliteFile, PostgresServer>> parse_database(const std::string& url, bool prepared_statements) {
  // Other programs read sqlite:///a.db as a path from the working directory. Here it would be a file in the root.
  if (url.starts_with(kSqliteAsUrl)) {
    return std::unexpected(
        "expected sqlite:PATH without //, such as sqlite:tps.db (in the working directory) or "
        "sqlite:/var/lib/tps/tps.db");
  }
  if (url.starts_with(kSqlitePrefix)) {
    if (url.size() == kSqlitePrefix.size()) return std::unexpected("sqlite: needs a path, such as sqlite:tps.db");
    return SqliteFile{url.substr(kSqlitePrefix.size())};
  }
  if (url.starts_with("postgresql://") || url.starts_with("postgres://")) {
    // The library's own sentence would quote the URL, password and all.
    if (!postgres::is_url(url)) return std::unexpected("not a valid PostgreSQL URL");
    return PostgresServer{.url = url, .prepared_statements = prepared_statements};
  }
  // Only the scheme is repeated: the rest may contain a password.
  const std::size_t colon = url.find("://");
  const std::string scheme = url.substr(0, colon == std::string::npos ? 0 : colon);
  const bool is_scheme =
      !scheme.empty() && std::ranges::all_of(scheme, [](unsigned char c) { return std::isalnum(c) != 0; });
  return std::unexpected("expected sqlite:PATH or postgresql://..." +
                         (is_scheme ? ", not " + scheme + ":..." : std::string()));
}

Parsed<std::optional<redis::Options>> parse_redis(const std::string& url, const std::string& ca_file) {
  if (url.empty()) return std::nullopt;
  auto options = redis::parse_redis_url(url);
  if (!options) return std::unexpected(options.error());
  options->ca_file = ca_file;
  return std::move(*options);
}

Parsed<std::optional<auth::SigningKey>> parse_secret(const std::string& secret) {
  if (secret.empty()) return std::nullopt;
  auto key = auth::SigningKey::of_secret("", secret);
  if (!key) return std::unexpected(key.error());
  return std::move(*key);
}

// The reason why these keys cannot be used; "": they can.
std::string flaw_of_keys(const std::string& keys) {
  if (!auth::KeyUrl::is_url(keys)) {
    if (!keys.contains("://")) return "";
    return "expected a file or an https:// URL, not " + keys.substr(0, keys.find(':')) + ":...";
  }
  // A password would be in every log. A password with a slash in it has the @ behind the slash.
  if (keys.substr(0, keys.find_first_of("?#")).contains('@')) return "a URL with a user or a password is not accepted";
  return "";
}

http::ServerOptions read_server(Reader& reader) {
  http::ServerOptions options;
  options.listen = reader.parsed("listen", http::parse_endpoint);
  options.tls = {.certificate = reader.text("tls-certificate"),
                 .key = reader.text("tls-key"),
                 .client_ca = reader.text("tls-client-ca")};
  options.trusted_proxies = reader.parsed("trusted-proxies", http::TrustedProxies::parse);
  options.io_threads = reader.number<unsigned>("io-threads");
  options.max_connections = reader.number("max-connections");
  options.connections_per_client = reader.number("connections-per-client");
  options.max_body_bytes = reader.number("max-body-memory");
  options.header_timeout = reader.ms("header-timeout");
  options.body_timeout = reader.ms("body-timeout");
  options.idle_timeout = reader.ms("idle-timeout");
  options.drain_delay = reader.ms("drain-delay");
  options.drain_limit = reader.ms("drain-timeout");
  return options;
}

AccessSettings read_access(Reader& reader) {
  AccessSettings access;
  access.required = reader.toggle("auth");
  std::string implying;
  for (const char* name : kImplyAuthentication) {
    const bool empty = reader.text(name).empty();
    // An empty one, such as of a Secret that was left out, must not switch authentication off.
    if (empty && reader.is_given(name)) reader.reject(name, "is given, but empty (" + reader.source(name) + ")");
    if (!empty) implying = name;
  }
  if (!implying.empty()) access.required = true;
  if (access.required && reader.is_given("auth") && !reader.toggle("auth")) {
    reader.reject("auth", "is off, but " + implying + " switches authentication on: remove one of the two");
  }
  access.insecure = reader.toggle("insecure-no-auth");
  const std::string keys = reader.text("jwt-keys");
  if (const std::string flaw = flaw_of_keys(keys); !flaw.empty()) reader.reject("jwt-keys", flaw);
  (auth::KeyUrl::is_url(keys) ? access.keys_url : access.keys_file) = keys;
  access.keys_ca_file = reader.text("jwt-keys-ca-file");
  if (!access.keys_ca_file.empty() && access.keys_url.empty()) {
    reader.reject("jwt-keys-ca-file", "needs jwt-keys with an https:// URL");
  }
  access.secret = reader.parsed("jwt-secret", parse_secret);
  access.previous_secret = reader.parsed("jwt-previous-secret", parse_secret);
  access.rules = {.issuer = reader.text("jwt-issuer"), .audience = reader.text("jwt-audience")};
  access.users_file = reader.text("users-file");
  if (!access.users_file.empty() && reader.text("jwt-secret").empty()) {
    reader.reject("users-file", "needs jwt-secret, which signs the tokens that POST /token issues");
  }
  access.token_lifetime = std::chrono::seconds(reader.number<std::int64_t>("token-lifetime"));
  access.requests_per_second = reader.number<std::int64_t>("rate-limit");
  access.requests_per_second_and_address = reader.number<std::int64_t>("address-rate-limit");
  return access;
}

void read_database(Reader& reader, Settings& settings) {
  settings.currencies = reader.parsed("assets", domain::Currencies::with_assets);
  settings.database = reader.parsed("database-url", [&](const std::string& url) {
    return parse_database(url, reader.toggle("prepared-statements"));
  });
  settings.partitions = {.count = reader.number<std::uint32_t>("partitions"), .chosen = reader.is_given("partitions")};
  settings.migrate = reader.toggle("migrate");
  settings.worker = reader.toggle("worker");
  // The server holds the file's lock, so that no worker can settle beside it.
  if (!settings.worker && std::holds_alternative<SqliteFile>(settings.database) && !reader.toggle("accept-only")) {
    reader.reject("worker",
                  "is off, and on SQLite no other process can settle while this one serves: leave out --no-worker, or "
                  "use PostgreSQL");
  }
  settings.redis = reader.parsed(
      "redis-url", [&](const std::string& url) { return parse_redis(url, reader.text("redis-ca-file")); });
  settings.local_cache = reader.number("local-cache");
}

}  // namespace

std::expected<Settings, std::string> read_settings(const Config& config, Command command) {
  Reader reader(config, command);
  Settings settings;
  settings.log_level = ops::parse_level(reader.text("log-level")).value();  // config has checked the choices
  settings.log_format = ops::parse_log_format(reader.text("log-format")).value();
  read_database(reader, settings);
  settings.server = read_server(reader);
  settings.request_timeout = reader.ms("request-timeout");
  settings.access = read_access(reader);
  settings.submit_queue = reader.number("submit-queue");
  settings.read_queue = reader.number("read-queue");
  settings.query_queue = reader.number("query-queue");
  settings.max_flight = reader.number("max-flight");
  settings.settle_batch = reader.number("settle-batch");
  if (!reader.error().empty()) return std::unexpected(reader.error());
  return settings;
}

}  // namespace tps
