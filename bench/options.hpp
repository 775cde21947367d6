// The options of the load generator, with their limits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace tps::bench {

enum class Mode : std::uint8_t { health, post, get, batch, path };

struct Options {
  Mode mode = Mode::health;
  std::string host = "127.0.0.1";  // an IPv4 loopback address
  std::uint16_t port = 8000;
  std::size_t connections = 64;
  double seconds = 5;             // length of the measured window
  double warmup_seconds = 0;      // before the window; responses count as acknowledged, not as measured
  std::uint64_t count = 0;        // > 0: stop after this many requests instead
  double rate = 0;                // requests a second, sent on time even if responses are late; 0 = closed loop
  double patience_seconds = 600;  // open loop: give a request up if no connection is free by then
  std::uint64_t seed = 1;
  std::uint32_t users = 100'000;
  bool uniform = false;       // all users equally likely; otherwise few act often
  bool hot = false;           // user 0 takes part in every transaction
  std::string currency;       // the only one; empty = a mix of five
  unsigned withdrawals = 10;  // per cent of the transactions
  unsigned transfers = 0;     // per cent
  bool keys = false;          // a fresh Idempotency-Key for each request
  unsigned wait_seconds = 0;  // Prefer: wait=N
  std::size_t items = 1000;   // of a batch
  bool ndjson = false;
  std::int64_t first_id = 1;
  std::int64_t last_id = 1;
  bool in_order = false;     // ids: one after the other, again and again
  bool zipf = false;         // ids: few are requested often
  std::string header;        // "Name: value" of every request
  std::string path;          // for path: the target; "{user}" stands for a user
  std::string acknowledged;  // file for the ids of stored transactions, int64 in this machine's order; empty = none
};

struct CurrencyShare {
  std::string_view code;
  int decimals;
  unsigned per_cent;  // of the mix
};
inline constexpr std::array<CurrencyShare, 5> kCurrencies = {
    {{"USD", 2, 60}, {"EUR", 2, 20}, {"GBP", 2, 8}, {"JPY", 0, 8}, {"KWD", 3, 4}}};

extern const std::string_view kUsage;

// `arguments` without the program's name. The error is a sentence for people.
std::expected<Options, std::string> parse_options(std::span<const char* const> arguments);

}  // namespace tps::bench
