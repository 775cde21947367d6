#include "options.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

namespace tps::bench {

const std::string_view kUsage = R"(Usage: tps-load MODE [OPTION VALUE]...

  tps-load health --connections 64 --seconds 5
  tps-load post --keys --rate 20000 --acknowledged ids.bin
  tps-load get --ids 1-10000 --zipf
  tps-load batch --items 1000 --ndjson --connections 4
  tps-load path --path '/users/{user}/balances' --rate 200

Puts load on a server on this machine and prints one line of JSON. Latencies count from the moment at
which a request was due, so they include the waiting that a stalled server causes.

  --address 127.0.0.1:8000   server address (loopback only)
  --connections N            number of connections (1..10000)
  --seconds S --warmup S     length of the measured window and of the warm-up before it
  --count N                  stop after N requests instead
  --rate N                   open loop: N requests a second (default: each connection sends as fast as it can)
  --patience S               open loop: give a request up if no connection is free within S seconds
  --seed N --users N         random seed and number of users; user k has the weight 1/k
  --uniform                  give all users the same weight
  --hot                      make user_000000 part of every transaction: each side of the transfers in turn
  --currency CODE            USD, EUR, GBP, JPY or KWD (default: a mix)
  --withdrawals P --transfers P   per cent of the transactions (default 10 and 0)
  --keys                     send a fresh Idempotency-Key with each request
  --wait N                   send Prefer: wait=N
  --items N --ndjson         size of a batch; send it as NDJSON
  --ids A-B                  for get: random ids of this range; --zipf: few often; --in-order: one after another
  --header 'NAME: VALUE'     add this header to every request
  --path TARGET              for path: the target to GET; {user} is replaced by a random user
  --acknowledged FILE        write the ids of acknowledged transactions to this file, 8 bytes each

SIGINT ends the run early and prints the figures up to then.
)";

namespace {

template <class Number>
std::optional<Number> number(std::string_view text, Number least, Number most) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= least && value <= most)) {
    return std::nullopt;
  }
  return value;
}

template <class Number>
bool set(Number& target, std::string_view text, Number least, Number most) {
  const std::optional<Number> value = number<Number>(text, least, most);
  if (value) target = *value;
  return value.has_value();
}

bool set_address(Options& options, std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  options.host = text.substr(0, colon);
  if (options.host == "localhost") options.host = "127.0.0.1";
  in_addr address{};
  if (inet_pton(AF_INET, options.host.c_str(), &address) != 1 || (ntohl(address.s_addr) >> 24) != 127) return false;
  return set<std::uint16_t>(options.port, text.substr(colon + 1), 1, 65535);
}

bool set_ids(Options& options, std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return false;
  constexpr std::int64_t kMostId = std::int64_t{1} << 53;
  return set<std::int64_t>(options.first_id, text.substr(0, dash), 1, kMostId) &&
         set<std::int64_t>(options.last_id, text.substr(dash + 1), options.first_id, kMostId);
}

bool set_currency(Options& options, std::string_view text) {
  options.currency = text;
  return std::ranges::find(kCurrencies, text, &CurrencyShare::code) != kCurrencies.end();
}

bool set_path(Options& options, std::string_view text) {
  options.path = text;
  const auto is_visible = [](char byte) { return byte > ' ' && byte < '\x7f'; };
  return text.starts_with('/') && std::ranges::all_of(text, is_visible);
}

bool set_header(Options& options, std::string_view text) {
  options.header = text;
  const auto is_printable = [](char byte) { return byte >= ' ' && byte < '\x7f'; };
  return text.find(": ") != std::string_view::npos && std::ranges::all_of(text, is_printable);
}

bool set_value(Options& o, std::string_view name, std::string_view text) {
  if (name == "--address") return set_address(o, text);
  if (name == "--connections") return set<std::size_t>(o.connections, text, 1, 10'000);
  if (name == "--seconds") return set<double>(o.seconds, text, 0.1, 600);
  if (name == "--warmup") return set<double>(o.warmup_seconds, text, 0, 60);
  if (name == "--count") return set<std::uint64_t>(o.count, text, 1, 10'000'000);
  if (name == "--rate") return set<double>(o.rate, text, 1, 1'000'000);
  if (name == "--patience") return set<double>(o.patience_seconds, text, 0, 600);
  if (name == "--seed") return set<std::uint64_t>(o.seed, text, 0, UINT64_MAX);
  if (name == "--users") return set<std::uint32_t>(o.users, text, 2, 1'000'000);
  if (name == "--withdrawals") return set<unsigned>(o.withdrawals, text, 0, 100);
  if (name == "--transfers") return set<unsigned>(o.transfers, text, 0, 100);
  if (name == "--wait") return set<unsigned>(o.wait_seconds, text, 1, 30);
  if (name == "--items") return set<std::size_t>(o.items, text, 1, 10'000);
  if (name == "--ids") return set_ids(o, text);
  if (name == "--currency") return set_currency(o, text);
  if (name == "--header") return set_header(o, text);
  if (name == "--path") return set_path(o, text);
  if (name == "--acknowledged") o.acknowledged = text;
  return name == "--acknowledged" && !text.empty();
}

bool set_flag(Options& options, std::string_view name) {
  if (name == "--keys") return options.keys = true;
  if (name == "--ndjson") return options.ndjson = true;
  if (name == "--uniform") return options.uniform = true;
  if (name == "--hot") return options.hot = true;
  if (name == "--zipf") return options.zipf = true;
  if (name == "--in-order") return options.in_order = true;
  return false;
}

}  // namespace

std::expected<Options, std::string> parse_options(std::span<const char* const> arguments) {
  static const std::map<std::string_view, Mode> kModes = {
      {"health", Mode::health}, {"post", Mode::post}, {"get", Mode::get}, {"batch", Mode::batch}, {"path", Mode::path}};
  if (arguments.empty()) return std::unexpected("no mode given: health, post, get, batch or path");
  Options options;
  const auto mode = kModes.find(arguments.front());
  if (mode == kModes.end()) return std::unexpected("unknown mode '" + std::string(arguments.front()) + "'");
  options.mode = mode->second;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string name = arguments[i];
    if (set_flag(options, name)) continue;
    if (i + 1 == arguments.size()) return std::unexpected("'" + name + "' is unknown or lacks its value");
    const std::string value = arguments[++i];
    if (!set_value(options, name, value)) {
      return std::unexpected(std::string("'").append(name).append(" ").append(value).append(
          "' is unknown or out of bounds (addresses: 127.0.0.0/8 only)"));
    }
  }
  if (options.withdrawals + options.transfers > 100)
    return std::unexpected("more than 100% of withdrawals and transfers");
  if ((options.mode == Mode::path) == options.path.empty()) return std::unexpected("path and --path belong together");
  if (options.count > 0 && options.rate > 0) return std::unexpected("--count and --rate exclude each other");
  return options;
}

}  // namespace tps::bench
