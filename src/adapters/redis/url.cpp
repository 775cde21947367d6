#include "adapters/redis/url.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace tps::redis {
namespace {

using Unexpected = std::unexpected<std::string>;

bool starts_with_folded(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && std::equal(lower.begin(), lower.end(), text.begin(), [](char a, char b) {
           return a == std::tolower(static_cast<unsigned char>(b));
         });
}

template <class T>
std::optional<T> parse_number(std::string_view text, int base = 10) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || text.starts_with('-')) return std::nullopt;
  return value;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.front() != '%') {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    if (text.size() < 3) return std::nullopt;
    const auto byte = parse_number<unsigned char>(text.substr(1, 2), 16);
    if (!byte) return std::nullopt;
    out += static_cast<char>(*byte);
    text.remove_prefix(3);
  }
  return out;
}

std::expected<void, std::string> parse_login(std::string_view login, Options& options) {
  const std::size_t colon = login.find(':');
  if (colon == std::string_view::npos || colon + 1 == login.size()) {
    return Unexpected(
        "the Redis URL names a user without a password; write redis://:password@host for a password alone");
  }
  const auto user = percent_decode(login.substr(0, colon));
  const auto password = percent_decode(login.substr(colon + 1));
  if (!user || !password) return Unexpected("the Redis URL has a broken percent-encoding in its user or password");
  options.user = *user;
  options.password = *password;
  return {};
}

// "host", "host:port", "[address]" or "[address]:port".
std::expected<void, std::string> parse_place(std::string_view place, Options& options) {
  std::string_view host = place.substr(0, place.find(':'));
  std::string_view rest = place.substr(host.size());
  std::string_view allowed = "-._";
  if (place.starts_with('[')) {
    const std::size_t end = place.find(']');
    if (end == std::string_view::npos) return Unexpected("the Redis URL has a '[' without its ']'");
    host = place.substr(1, end - 1);
    rest = place.substr(end + 1);
    allowed = ":.%";
  }
  const auto is_allowed = [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || allowed.find(c) != std::string_view::npos;
  };
  if (host.empty()) return Unexpected("the Redis URL has no host");
  if (!std::ranges::all_of(host, is_allowed)) return Unexpected("the host of the Redis URL is not a host");
  options.host = host;
  if (rest.empty()) return {};
  const auto port = rest.front() == ':' ? parse_number<std::uint16_t>(rest.substr(1)) : std::nullopt;
  if (!port || *port == 0) return Unexpected("the port of the Redis URL is not a number from 1 to 65535");
  options.port = *port;
  return {};
}

}  // namespace

std::expected<Options, std::string> parse_redis_url(std::string_view url) {
  constexpr std::string_view kPlain = "redis://";
  constexpr std::string_view kTls = "rediss://";
  const bool tls = starts_with_folded(url, kTls);
  if (!tls && !starts_with_folded(url, kPlain)) return Unexpected("a Redis URL starts with redis:// or rediss://");
  const std::string_view after = url.substr(tls ? kTls.size() : kPlain.size());
  if (after.find_first_of("?#") != std::string_view::npos) {
    return Unexpected("a Redis URL takes no '?' or '#'; percent-encode them in a password");
  }
  const std::size_t slash = after.find('/');
  std::string_view place = after.substr(0, slash);

  Options options;
  options.tls = tls;
  if (const std::size_t at = place.rfind('@'); at != std::string_view::npos) {
    const std::string_view login = place.substr(0, at);
    place.remove_prefix(at + 1);
    if (auto parsed = parse_login(login, options); !parsed) return Unexpected(parsed.error());
  }
  if (auto parsed = parse_place(place, options); !parsed) return Unexpected(parsed.error());
  if (slash != std::string_view::npos && slash + 1 < after.size()) {
    const auto database = parse_number<int>(after.substr(slash + 1));
    if (!database) return Unexpected("the database of the Redis URL is not a number");
    options.database = *database;
  }
  return options;
}

}  // namespace tps::redis
