#include "program/config.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>
#include <vector>

#include "program/nearest.hpp"
#include "program/settings_file.hpp"

namespace tps {
namespace {

constexpr std::string_view kFileSuffix = "_FILE";

std::vector<std::string> names(std::string (*spell)(std::string_view)) {
  std::vector<std::string> list;
  list.reserve(settings().size());
  for (const Setting& setting : settings()) list.push_back(spell(setting.name));
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

struct Environment {
  Layer layer;
  std::map<std::string, std::string, std::less<>> variables;  // by setting: the one that gave it
};

// A name with the prefix wins over one without it. Of two others none wins: the order of the environment is no choice.
std::expected<void, std::string> give(Environment& environment, std::string_view name, std::string_view variable,
                                      Config::Value value) {
  constexpr std::string_view kPrefix = "TPS_";
  const auto [given, is_first] = environment.variables.try_emplace(std::string(name), variable);
  if (!is_first && given->second != variable) {
    const bool has_prefix = given->second.starts_with(kPrefix);
    if (has_prefix == variable.starts_with(kPrefix)) {
      return std::unexpected(given->second + " and " + std::string(variable) + " are both set: remove one of them");
    }
    if (has_prefix) return {};
    given->second = variable;
  }
  environment.layer.insert_or_assign(std::string(name), std::move(value));
  return {};
}

std::expected<void, std::string> read_variable(std::string_view variable, std::string text, Environment& environment) {
  if (const auto name = setting_of_variable(variable)) {
    return give(environment, *name, variable, {std::move(text), "environment " + std::string(variable)});
  }
  if (variable.ends_with(kFileSuffix)) {
    if (const auto name = setting_of_variable(variable.substr(0, variable.size() - kFileSuffix.size()))) {
      auto secret = read_secret_file(text, std::string(variable));
      if (!secret) return std::unexpected(secret.error());
      return give(environment, *name, variable,
                  {std::move(*secret), "file " + text + " (" + std::string(variable) + ")"});
    }
  }
  if (!variable.starts_with("TPS_") || is_service_link(variable)) return {};
  return std::unexpected("unknown setting in the environment: " + std::string(variable) +
                         did_you_mean(variable, names(environment_name)));
}

std::expected<Layer, std::string> read_environment(std::span<const std::string> environment) {
  Environment given;
  for (const std::string& entry : environment) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos) continue;
    auto read = read_variable(std::string_view(entry).substr(0, equals), entry.substr(equals + 1), given);
    if (!read) return std::unexpected(read.error());
  }
  return std::move(given.layer);
}

std::expected<Layer, std::string> read_settings_file(const std::string& path) {
  Layer layer;
  if (path.empty()) return layer;
  const auto text = read_file(path);
  if (!text) return std::unexpected("config: " + text.error());
  const auto entries = parse_settings_file(*text);
  if (!entries) return std::unexpected(path + ": " + entries.error());
  for (const FileEntry& entry : *entries) {
    const std::string where = path + ": line " + std::to_string(entry.line) + ": ";
    if (find_setting(entry.name) == nullptr || entry.name == "config") {
      return std::unexpected(where + "unknown setting " + entry.name + did_you_mean(entry.name, names(as_is)));
    }
    if (layer.contains(entry.name)) return std::unexpected(where + entry.name + " is set twice");
    layer[entry.name] = {entry.value, "file " + path};
  }
  return layer;
}

// The parameters of a database URL. The value of one that is not known to be harmless is hidden.
void append_harmless(std::string& shown, std::string_view query) {
  constexpr std::array<std::string_view, 13> kHarmless{"host",
                                                       "hostaddr",
                                                       "port",
                                                       "dbname",
                                                       "user",
                                                       "application_name",
                                                       "sslmode",
                                                       "sslcert",
                                                       "sslrootcert",
                                                       "client_encoding",
                                                       "connect_timeout",
                                                       "target_session_attrs",
                                                       "gssencmode"};
  char separator = '?';
  while (!query.empty()) {
    const std::string_view parameter = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(parameter.size() + 1, query.size()));
    const std::string_view name = parameter.substr(0, parameter.find('='));
    const bool is_harmless = std::ranges::find(kHarmless, name) != kHarmless.end();
    shown += std::exchange(separator, '&');
    shown += is_harmless ? parameter : name == "password" ? "password=***" : "***";
  }
}

std::expected<void, std::string> check(const Setting& setting, const Config::Value& value) {
  const std::string where = std::string(setting.name) + " (" + value.source + "): ";
  // Such as TPS_TLS_KEY_FILE, which gives the contents of a file where its path is wanted. They may be secret.
  if (value.text.contains('\n')) return std::unexpected(where + "expected one line, such as the path of a file");
  const std::string given = ", not \"" + value.text + "\"";
  if (setting.kind == SettingKind::toggle && !parse_toggle(value.text)) {
    return std::unexpected(where + "expected true or false" + given);
  }
  if (setting.kind == SettingKind::choice) {
    const auto choices = choices_of(setting);
    if (std::ranges::find(choices, value.text) != choices.end()) return {};
    return std::unexpected(where + expected_one_of(choices, value.text));
  }
  if (setting.kind != SettingKind::number) return {};
  const auto number = parse_number(value.text);
  if (!number || *number < setting.least || *number > setting.most) {
    return std::unexpected(where + "expected a whole number from " + std::to_string(setting.least) + " to " +
                           std::to_string(setting.most) + given);
  }
  return {};
}

}  // namespace

std::expected<std::string, std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::unexpected("cannot read " + path);
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
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

std::expected<Config, std::string> Config::load(const Values& flags, std::span<const std::string> environment,
                                                Command command) {
  auto from_environment = read_environment(environment);
  if (!from_environment) return std::unexpected(from_environment.error());
  std::string path;
  if (const auto found = from_environment->find("config"); found != from_environment->end()) path = found->second.text;
  if (const auto found = flags.find("config"); found != flags.end()) path = found->second;
  auto from_file = read_settings_file(path);
  if (!from_file) return std::unexpected(from_file.error());

  Config config;
  for (const Setting& setting : settings()) {
    const std::string name(setting.name);
    Value value{std::string(fallback_for(setting, command)), "default"};
    if (const auto found = from_file->find(name); found != from_file->end()) value = found->second;
    if (const auto found = from_environment->find(name); found != from_environment->end()) value = found->second;
    if (const auto found = flags.find(name); found != flags.end()) value = {found->second, "flag --" + name};
    if (auto checked = check(setting, value); !checked) return std::unexpected(checked.error());
    config.values_.emplace(name, std::move(value));
  }
  if (const auto port = flags.find("port"); port != flags.end()) config.set_port(port->second);
  return config;
}

// The host stays. A colon within the brackets of an IPv6 address belongs to it.
void Config::set_port(const std::string& port) {
  Value& listen = values_.find("listen")->second;
  const std::size_t bracket = listen.text.rfind(']');
  const std::size_t colon = listen.text.rfind(':');
  if (colon != std::string::npos && (bracket == std::string::npos || colon > bracket)) listen.text.resize(colon);
  listen.text += ":" + port;
  listen.source = "flag --port";
}

const Config::Value& Config::value(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) throw std::logic_error("there is no setting " + std::string(name));
  return found->second;
}

std::string Config::shown(const Setting& setting) const {
  const std::string& plain = text(setting.name);
  if (!setting.secret || plain.empty()) return plain;
  return setting.name.ends_with("-url") ? without_password(plain) : "***";
}

std::string without_password(std::string_view url) {
  if (url.starts_with("sqlite:")) return std::string(url);
  constexpr std::string_view kHidden = "***";
  constexpr std::array<std::string_view, 4> kSchemes{"postgresql", "postgres", "redis", "rediss"};
  const std::string_view scheme = url.substr(0, url.find("://"));
  // A text in another form may have a secret anywhere.
  if (scheme.size() == url.size() || std::ranges::find(kSchemes, scheme) == kSchemes.end()) return std::string(kHidden);
  std::string_view rest = url.substr(scheme.size() + 3);
  const std::string_view query = rest.contains('?') ? rest.substr(rest.find('?') + 1) : std::string_view{};
  rest = rest.substr(0, rest.find('?'));
  std::string shown(scheme);
  shown += "://";
  if (query.contains('@')) return shown + std::string(kHidden);  // a password with a question mark in it
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    const std::string_view login = rest.substr(0, at);
    const std::size_t colon = login.find(':');
    // Of Redis, a login without a colon is a password that was meant.
    const bool has_user = colon != std::string_view::npos || scheme.starts_with("postgres");
    if (has_user) shown += login.substr(0, colon);
    if (has_user && colon != std::string_view::npos) shown += ':';
    if (!has_user || colon != std::string_view::npos) shown += kHidden;
    rest.remove_prefix(at);
  }
  shown += rest;
  append_harmless(shown, query);
  return shown;
}

}  // namespace tps
