#include "adapters/redis/cache.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "ops/log.hpp"

namespace tps::redis {
namespace {

using domain::Transaction;
using ports::Deadline;
using std::chrono::steady_clock;

constexpr std::string_view kSecondsToLive = "3600";
constexpr std::string_view kProbeSecondsToLive = "10";
constexpr std::size_t kMaxValueBytes = 4 * 1024;   // long metadata is not worth the trip
constexpr std::size_t kMaxPutBytes = 1024 * 1024;  // so many certainly fit into a trip within the budget
constexpr std::size_t kMaxReplyOverhead = 64;      // "$4096\r\n...\r\n", or an error's text instead
constexpr std::size_t kMaxErrorBytes = 1024;
constexpr std::size_t kMaxLoggedBytes = 200;

std::string_view text_of(const redisReply& reply) { return {reply.str, static_cast<std::size_t>(reply.len)}; }

bool is_stored(const redisReply& reply) { return reply.type == REDIS_REPLY_STATUS; }

std::string_view complaint_of(const redisReply& reply) {
  return reply.type == REDIS_REPLY_ERROR ? text_of(reply) : "not an answer to this command";
}

}  // namespace

Cache::Cache(const Options& options, const ports::StoreIdentity& store, ops::Metrics& metrics)
    : budget_(options.budget),
      outcomes_{.hit = metrics.cache_operation("redis", "hit"),
                .miss = metrics.cache_operation("redis", "miss"),
                .rejected = metrics.cache_operation("redis", "rejected"),
                .error = metrics.cache_operation("redis", "error"),
                .skipped = metrics.cache_operation("redis", "skipped"),
                .stored = metrics.cache_operation("redis", "stored")},
      breaker_open_(metrics.cache_breaker_open),
      writes_refused_(metrics.cache_writes_refused),
      seal_(store),
      connection_(options),
      random_(std::random_device{}()) {}

bool Cache::available() const { return breaker_.allows(steady_clock::now()); }

std::vector<std::optional<Transaction>> Cache::get(std::string_view lineage, std::span<const std::int64_t> ids,
                                                   Deadline deadline) {
  std::vector<std::optional<Transaction>> nothing(ids.size());
  if (ids.empty()) return nothing;
  const auto weight = static_cast<double>(ids.size());
  if (!available() || deadline <= steady_clock::now()) {
    outcomes_.skipped.Increment(weight);
    return nothing;
  }
  std::vector<std::string> keys;
  keys.reserve(ids.size());
  for (const std::int64_t id : ids) keys.push_back(seal_.key(lineage, id));
  std::string command;
  append_redis_command(command, "MGET", keys);

  const std::size_t max_bytes = kMaxErrorBytes + ids.size() * (kMaxValueBytes + kMaxReplyOverhead);
  const Replies replies = exchange(command, 1, max_bytes, deadline);
  if (!replies) {
    outcomes_.error.Increment(weight);
    return nothing;
  }
  const redisReply& reply = *replies->front();
  if (reply.type != REDIS_REPLY_ARRAY || reply.elements != ids.size()) {
    outcomes_.error.Increment(weight);
    connection_.close();
    failed(complaint_of(reply));
    return nothing;
  }
  succeeded();
  return open(ids, keys, reply);
}

std::vector<std::optional<Transaction>> Cache::open(std::span<const std::int64_t> ids,
                                                    const std::vector<std::string>& keys, const redisReply& values) {
  std::vector<std::optional<Transaction>> found(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const redisReply& value = *values.element[i];
    if (value.type == REDIS_REPLY_NIL) {
      outcomes_.miss.Increment();
      continue;
    }
    if (value.type == REDIS_REPLY_STRING) found[i] = seal_.open(keys[i], ids[i], text_of(value));
    (found[i] ? outcomes_.hit : outcomes_.rejected).Increment();
  }
  return found;
}

void Cache::put(std::string_view lineage, std::span<const Transaction* const> transactions, Deadline deadline) {
  const bool possible = available() && deadline > steady_clock::now();
  std::string commands;
  std::size_t count = 0;
  for (const Transaction* transaction : transactions) {
    if (!possible || commands.size() > kMaxPutBytes) break;
    if (!domain::is_final(transaction->status)) continue;
    const std::string key = seal_.key(lineage, transaction->id);
    const std::string value = seal_.seal(key, *transaction);
    if (value.size() > kMaxValueBytes) continue;
    append_redis_command(commands, {"SET", key, value, "EX", kSecondsToLive});
    ++count;
  }
  outcomes_.skipped.Increment(static_cast<double>(transactions.size() - count));
  if (count == 0) return;

  const Replies replies = exchange(commands, count, count * kMaxErrorBytes, deadline);
  if (!replies) {
    outcomes_.error.Increment(static_cast<double>(count));
    return;
  }
  std::size_t stored = 0;
  for (const Reply& reply : *replies) stored += is_stored(*reply) ? 1 : 0;
  outcomes_.stored.Increment(static_cast<double>(stored));
  outcomes_.error.Increment(static_cast<double>(count - stored));
  // A Redis that is full or read-only refuses this and still serves get(), so a refusal is no failure.
  if (stored > 0) succeeded();
  stores(stored > 0, complaint_of(*replies->back()));
}

// One trip with a read and a write, of a key that stands for no transaction, in no history.
std::optional<std::string> Cache::trouble(Deadline deadline) {
  const std::string key = seal_.key("probe", 0);
  std::string commands;
  append_redis_command(commands, "MGET", {key});
  append_redis_command(commands, {"SET", key, "", "EX", kProbeSecondsToLive});
  const Replies replies = connection_.exchange(commands, 2, 2 * kMaxErrorBytes, deadline);
  const bool is_read = replies && replies->front()->type == REDIS_REPLY_ARRAY;
  if (!is_read) {
    const std::string detail(replies ? complaint_of(*replies->front()) : std::string_view(replies.error()));
    connection_.close();
    while (!breaker_.open()) failed(detail);
    failed(detail);
    return "cannot be used: " + detail.substr(0, kMaxLoggedBytes);
  }
  succeeded();
  const bool stored = is_stored(*replies->back());
  const std::string_view complaint = complaint_of(*replies->back());
  stores(stored, complaint);
  if (stored) return std::nullopt;
  return "refuses to store: " + std::string(complaint.substr(0, kMaxLoggedBytes));
}

void Cache::look_again(Deadline deadline) {
  if ((breaker_.open() || refuses_writes_) && available()) trouble(deadline);
}

Cache::Replies Cache::exchange(std::string_view commands, std::size_t count, std::size_t max_bytes, Deadline deadline) {
  const auto start = steady_clock::now();
  const Deadline limit = std::min(deadline, start + budget_);
  Replies replies = connection_.exchange(commands, count, max_bytes, limit);
  // Too slow for a caller who had hardly any time left says nothing about Redis.
  const bool had_no_chance = limit - start < budget_ / 2 && steady_clock::now() >= limit;
  if (!replies && !had_no_chance) failed(replies.error());
  return replies;
}

void Cache::succeeded() {
  if (breaker_.open()) ops::log(ops::Level::info, "redis is back");
  breaker_.succeeded();
  breaker_open_.Set(0);
}

// One line when it begins and one when it ends, however many writes are refused.
void Cache::stores(bool stored, std::string_view complaint) {
  writes_refused_.Set(stored ? 0 : 1);
  if (refuses_writes_ == !stored) return;
  refuses_writes_ = !stored;
  if (stored) {
    ops::log(ops::Level::info, "redis stores again");
  } else {
    ops::log(ops::Level::warn, "redis refuses to store", {{"detail", complaint.substr(0, kMaxLoggedBytes)}});
  }
}

void Cache::failed(std::string_view detail) {
  const bool was_open = breaker_.open();
  breaker_.failed(steady_clock::now(), std::generate_canonical<double, 32>(random_));
  if (was_open || !breaker_.open()) return;
  ops::log(ops::Level::warn, "redis circuit opened", {{"detail", detail.substr(0, kMaxLoggedBytes)}});
  breaker_open_.Set(1);
}

}  // namespace tps::redis
