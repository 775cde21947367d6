// What the load generator is asked to do. Everything is bounded here, once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace tps::bench {

enum class Mode : std::uint8_t { health, post, get, batch };

struct Options {
  Mode mode = Mode::health;
  std::string host = "127.0.0.1";  // an IPv4 loopback address
  std::uint16_t port = 8000;
  std::size_t connections = 64;
  double seconds = 5;         // of the measured window
  double warmup_seconds = 0;  // before it; answers count as acknowledged but not as measured
  std::uint64_t count = 0;    // > 0: stop after this many requests instead
  double rate = 0;            // requests a second, sent on time whatever the answers do; 0 = closed loop
  std::uint64_t seed = 1;
  std::uint32_t users = 100'000;
  unsigned withdrawals = 10;  // per cent of the transactions
  unsigned transfers = 0;     // per cent
  bool keys = false;          // a fresh Idempotency-Key for each request
  unsigned wait_seconds = 0;  // Prefer: wait=N
  std::size_t items = 1000;   // of a batch
  bool ndjson = false;
  std::int64_t first_id = 1;
  std::int64_t last_id = 1;
  bool in_order = false;     // ids: one after the other, again and again
  bool zipf = false;         // ids: few are asked for often
  std::string acknowledged;  // file for the ids of stored transactions, int64 in this machine's order; empty = none
};

extern const std::string_view kUsage;

// `arguments` without the program's name. The error is a sentence for people.
std::expected<Options, std::string> parse_options(std::span<const char* const> arguments);

}  // namespace tps::bench
