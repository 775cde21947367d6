#include "program/config.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <fstream>
#include <utility>

namespace tps {
namespace {

constexpr std::int64_t kMillion = 1'000'000;
constexpr std::string_view kFileSuffix = "_FILE";

constexpr std::array kSettings{
    Setting{"listen", SettingKind::text, "127.0.0.1:8000", "", "address and port to serve on; port 0 picks a free one"},
    Setting{"tls-certificate", SettingKind::text, "", "",
            "PEM file of the certificate and its chain, for https; read again on SIGHUP, as are the next two"},
    Setting{"tls-key", SettingKind::text, "", "", "PEM file of its key, without a passphrase"},
    Setting{"tls-client-ca", SettingKind::text, "", "",
            "PEM file of the authorities of which clients must show a certificate; empty: they need none"},
    Setting{"database-url", SettingKind::text, "sqlite:tps.db", "",
            "sqlite:PATH or postgresql://...; DATABASE_URL is read too", true},
    Setting{"redis-url", SettingKind::text, "", "",
            "redis:// or rediss://[user:password@]host[:port][/db]; empty for none; REDIS_URL is read too", true},
    Setting{"redis-ca-file", SettingKind::text, "", "",
            "PEM file of the authorities of a rediss:// server; empty: those of the system"},
    Setting{"worker", SettingKind::toggle, "true", "", "settle in this process"},
    Setting{"migrate", SettingKind::toggle, "false", "", "bring a PostgreSQL schema up to date before serving"},
    Setting{"partitions", SettingKind::number, "1", "logs", "of a new database, fixed by its first migration", false, 1,
            256},
    Setting{"prepared-statements", SettingKind::toggle, "true", "",
            "off for PgBouncer before 1.21 in transaction mode"},
    Setting{"auth", SettingKind::toggle, "false", "",
            "every request needs a token or an API key; on by itself with the jwt settings and users-file"},
    Setting{"jwt-keys", SettingKind::text, "", "",
            "public keys of an issuer of tokens: the https:// URL of a JWK Set, or a file of that or of PUBLIC KEYs in "
            "PEM"},
    Setting{"jwt-keys-ca-file", SettingKind::text, "", "",
            "PEM file of the authorities of that URL's server; empty: those of the system"},
    Setting{"jwt-secret", SettingKind::text, "", "", "signs and verifies tokens with HS256; 32 bytes or more", true},
    Setting{"jwt-previous-secret", SettingKind::text, "", "", "still verifies, while jwt-secret is being changed",
            true},
    Setting{"jwt-issuer", SettingKind::text, "", "", "what a token's iss must be"},
    Setting{"jwt-audience", SettingKind::text, "", "", "what a token's aud must have"},
    Setting{"users-file", SettingKind::text, "", "",
            "who may log in at POST /token: NAME HASH SCOPES [user=ID] a line"},
    Setting{"token-lifetime", SettingKind::number, "900", "s", "of the tokens of POST /token", false, 60, 86'400},
    Setting{"insecure-no-auth", SettingKind::toggle, "false", "",
            "serve other addresses than this machine's own without asking who calls"},
    Setting{"trusted-proxies", SettingKind::text, "", "",
            "addresses and networks whose X-Forwarded-For is believed, such as 10.1.7.0/28,192.0.2.7"},
    Setting{"rate-limit", SettingKind::number, "0", "requests/s",
            "of one caller, over 10 s; more are answered 429; 0 for no limit", false, 0, kMillion},
    Setting{"address-rate-limit", SettingKind::number, "0", "requests/s", "the same, of one client's address", false, 0,
            kMillion},
    Setting{"assets", SettingKind::text, "", "", "currencies besides ISO 4217, such as BTC:8,POINTS:0"},
    Setting{"config", SettingKind::text, "", "", "file of settings, one NAME = VALUE a line"},
    Setting{"log-level", SettingKind::text, "info", "", "debug, info, warn or error"},
    Setting{"log-format", SettingKind::text, "auto", "", "json, human, or auto (human on a terminal)"},
    Setting{"io-threads", SettingKind::number, "1", "threads", "threads that serve connections", false, 1, 64},
    Setting{"max-connections", SettingKind::number, "10000", "connections",
            "more are answered 503 and closed, /health excepted", false, 1, kMillion},
    Setting{"connections-per-client", SettingKind::number, "0", "connections",
            "of one client's address; more are answered 503 and closed; 0 for no limit", false, 0, kMillion},
    Setting{"max-body-memory", SettingKind::number, "536870912", "bytes",
            "of all large request bodies together; more get 503", false, 16LL * 1024 * 1024,
            1024LL * 1024 * 1024 * 1024},
    Setting{"request-timeout", SettingKind::number, "10000", "ms", "every request ends by then (and 1 s)", false, 4'000,
            600'000},
    Setting{"header-timeout", SettingKind::number, "10000", "ms", "for a request's header to arrive", false, 10,
            600'000},
    Setting{"body-timeout", SettingKind::number, "30000", "ms", "for a request's body to arrive", false, 10, 600'000},
    Setting{"idle-timeout", SettingKind::number, "75000", "ms", "for a connection between requests", false, 10,
            3'600'000},
    Setting{"submit-queue", SettingKind::number, "20000", "transactions", "may wait to be made durable; more get 503",
            false, 1, 10 * kMillion},
    Setting{"read-queue", SettingKind::number, "20000", "requests", "may wait for the store; more get 503", false, 1,
            10 * kMillion},
    Setting{"query-queue", SettingKind::number, "1000", "requests",
            "lists and statements, and balances, that may wait; more get 503", false, 1, kMillion},
    Setting{"max-flight", SettingKind::number, "2000", "transactions", "made durable in one commit", false, 1, 10'000},
    Setting{"settle-batch", SettingKind::number, "4000", "transactions", "settled in one commit", false, 1, 20'000},
    Setting{"local-cache", SettingKind::number, "50000", "transactions", "kept in the cache of this process", false, 0,
            10 * kMillion},
    Setting{"drain-delay", SettingKind::number, "0", "ms",
            "after SIGTERM, how long to go on accepting; longer than balancers take to notice", false, 0, 20'000},
    Setting{"drain-timeout", SettingKind::number, "20000", "ms", "after that, how long requests under way may take",
            false, 0, 25'000},
};

std::string environment_name(std::string_view setting) {
  std::string name = "TPS_";
  for (const char c : setting) name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row[b.size()];
}

std::string did_you_mean(std::string_view word, std::span<const std::string> known) {
  const auto near = nearest(word, known);
  return near ? "; did you mean " + *near + "?" : "";
}

std::vector<std::string> names(std::string (*spell)(std::string_view)) {
  std::vector<std::string> list;
  list.reserve(kSettings.size());
  for (const Setting& setting : kSettings) list.push_back(spell(setting.name));
  return list;
}

std::string as_is(std::string_view name) { return std::string(name); }

std::expected<std::string, std::string> read_secret_file(const std::string& path, const std::string& variable) {
  auto read = read_file(path);
  if (!read) return std::unexpected(variable + ": " + read.error());
  std::string text = std::move(*read);
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

// Kubernetes sets TPS_SERVICE_HOST, TPS_PORT_8000_TCP and the like for a Service that is called "tps".
bool is_service_link(std::string_view variable) {
  return variable.starts_with("TPS_SERVICE_") || variable == "TPS_PORT" || variable.starts_with("TPS_PORT_");
}

using Layer = std::map<std::string, Config::Value, std::less<>>;

std::expected<void, std::string> read_variable(std::string_view variable, std::string text, Layer& layer) {
  if (const auto name = setting_of_variable(variable)) {
    Config::Value value{std::move(text), "environment " + std::string(variable)};
    if (variable.starts_with("TPS_")) {
      layer.insert_or_assign(std::string(*name), std::move(value));
    } else {
      layer.try_emplace(std::string(*name), std::move(value));  // the prefixed name wins, whatever the order
    }
    return {};
  }
  if (variable.ends_with(kFileSuffix)) {
    if (const auto name = setting_of_variable(variable.substr(0, variable.size() - kFileSuffix.size()))) {
      auto secret = read_secret_file(text, std::string(variable));
      if (!secret) return std::unexpected(secret.error());
      layer[std::string(*name)] = {std::move(*secret), "file " + text + " (" + std::string(variable) + ")"};
      return {};
    }
  }
  if (!variable.starts_with("TPS_") || is_service_link(variable)) return {};
  return std::unexpected("unknown setting in the environment: " + std::string(variable) +
                         did_you_mean(variable, names(environment_name)));
}

std::expected<Layer, std::string> read_environment(std::span<const std::string> environment) {
  Layer layer;
  for (const std::string& entry : environment) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos) continue;
    auto read = read_variable(std::string_view(entry).substr(0, equals), entry.substr(equals + 1), layer);
    if (!read) return std::unexpected(read.error());
  }
  return layer;
}

std::optional<std::string> flaw_of(const CLI::ConfigItem& item, const std::string& name) {
  if (find_setting(name) == nullptr || name == "config") {
    return "unknown setting " + name + did_you_mean(name, names(as_is));
  }
  if (item.inputs.size() != 1) return name + " needs one value";
  return std::nullopt;
}

std::expected<Layer, std::string> read_settings(const std::string& path) {
  Layer layer;
  if (path.empty()) return layer;
  std::ifstream file(path);
  if (!file) return std::unexpected("cannot read the configuration file " + path);
  std::vector<CLI::ConfigItem> items;
  try {
    items = CLI::ConfigTOML().from_config(file);
  } catch (const CLI::Error& error) {
    return std::unexpected(path + ": " + error.what());
  }
  for (const CLI::ConfigItem& item : items) {
    const std::string name = item.fullname();
    if (const auto flaw = flaw_of(item, name)) return std::unexpected(path + ": " + *flaw);
    layer[name] = {item.inputs.front(), "file " + path};
  }
  return layer;
}

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<bool> parse_toggle(std::string_view text) {
  if (text == "true" || text == "1" || text == "on" || text == "yes") return true;
  if (text == "false" || text == "0" || text == "off" || text == "no") return false;
  return std::nullopt;
}

std::expected<void, std::string> check(const Setting& setting, const Config::Value& value) {
  const std::string where = std::string(setting.name) + " (" + value.source + "): ";
  if (setting.kind == SettingKind::toggle && !parse_toggle(value.text)) {
    return std::unexpected(where + "expected true or false, got \"" + value.text + "\"");
  }
  // Such as TPS_TLS_KEY_FILE, which gives the contents of a file where its path is wanted. They may be secret.
  if (value.text.contains('\n')) return std::unexpected(where + "expected one line, such as the path of a file");
  if (setting.kind != SettingKind::number) return {};
  const auto number = parse_number(value.text);
  if (!number || *number < setting.least || *number > setting.most) {
    return std::unexpected(where + "expected a whole number from " + std::to_string(setting.least) + " to " +
                           std::to_string(setting.most) + ", got \"" + value.text + "\"");
  }
  return {};
}

}  // namespace

std::expected<std::string, std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::unexpected("cannot read " + path);
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

std::span<const Setting> settings() { return kSettings; }

const Setting* find_setting(std::string_view name) {
  const auto* const found = std::ranges::find(kSettings, name, &Setting::name);
  return found == kSettings.end() ? nullptr : found;
}

std::optional<std::string_view> setting_of_variable(std::string_view variable) {
  if (variable == "DATABASE_URL") return "database-url";
  if (variable == "REDIS_URL") return "redis-url";
  const auto* const found = std::ranges::find_if(
      kSettings, [variable](const Setting& setting) { return environment_name(setting.name) == variable; });
  return found == kSettings.end() ? std::nullopt : std::optional(found->name);
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known) {
  std::optional<std::string> best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::expected<Config, std::string> Config::load(const Values& flags, std::span<const std::string> environment) {
  auto from_environment = read_environment(environment);
  if (!from_environment) return std::unexpected(from_environment.error());
  std::string path;
  if (const auto found = from_environment->find("config"); found != from_environment->end()) path = found->second.text;
  if (const auto found = flags.find("config"); found != flags.end()) path = found->second;
  auto from_file = read_settings(path);
  if (!from_file) return std::unexpected(from_file.error());

  Config config;
  for (const Setting& setting : kSettings) {
    const std::string name(setting.name);
    Value value{std::string(setting.fallback), "default"};
    if (const auto found = from_file->find(name); found != from_file->end()) value = found->second;
    if (const auto found = from_environment->find(name); found != from_environment->end()) value = found->second;
    if (const auto found = flags.find(name); found != flags.end()) value = {found->second, "flag --" + name};
    if (auto checked = check(setting, value); !checked) return std::unexpected(checked.error());
    config.values_.emplace(name, std::move(value));
  }
  return config;
}

const Config::Value& Config::value(std::string_view name) const { return values_.find(name)->second; }
const std::string& Config::text(std::string_view name) const { return value(name).text; }
std::int64_t Config::number(std::string_view name) const { return parse_number(text(name)).value(); }
bool Config::toggle(std::string_view name) const { return parse_toggle(text(name)).value(); }

std::string Config::shown(const Setting& setting) const {
  const std::string& plain = text(setting.name);
  if (!setting.secret || plain.empty()) return plain;
  return setting.name.ends_with("-url") ? without_password(plain) : "***";
}

std::string without_password(std::string_view url) {
  std::string shown(url);
  const std::size_t authority = shown.find("://");
  const std::size_t at = shown.rfind('@');
  if (authority != std::string::npos && at != std::string::npos) {
    const std::size_t colon = shown.find(':', authority + 3);
    if (colon < at) shown.replace(colon + 1, at - colon - 1, "***");
  }
  static constexpr std::string_view kParameter = "password=";
  for (std::size_t place = shown.find(kParameter); place != std::string::npos; place = shown.find(kParameter, place)) {
    place += kParameter.size();
    const std::size_t end = std::min(shown.find_first_of("& ", place), shown.size());
    shown.replace(place, end - place, "***");
  }
  return shown;
}

}  // namespace tps
