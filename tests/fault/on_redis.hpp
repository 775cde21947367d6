// The fixture of the tests of the Redis cache: a cache, final transactions to put into it, and a check that they come
// back.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapters/redis/cache.hpp"
#include "ports/store.hpp"
#include "support/fake_redis.hpp"
#include "support/redis_server.hpp"

namespace tps::adapters {

using domain::Transaction;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using tests::FakeRedis;
using tests::RedisServer;
using Ids = std::vector<std::int64_t>;

// For tests in which Redis works. The budget is large, since the machine may be busy.
inline constexpr milliseconds kPatient{5'000};
inline constexpr milliseconds kShort{20};

inline Transaction settled(std::int64_t id) {
  Transaction transaction;
  transaction.id = id;
  transaction.user_id = "user_" + std::to_string(id);
  transaction.amount_minor = id * 100;
  transaction.currency = "USD";
  transaction.created_by = "anonymous";
  transaction.status = domain::Status::settled;
  transaction.settled_at = domain::Timestamp{std::chrono::microseconds{id}};
  return transaction;
}

inline constexpr std::string_view kLineage = "0123456789abcdef";

inline ports::StoreIdentity store() {
  return {.store_id = "6f1c", .schema = 3, .partitions = 1, .cache_secret = std::vector<std::uint8_t>(32, 7)};
}

inline ports::Deadline far() { return steady_clock::now() + seconds{60}; }

// Polls; no test depends on how long anything takes.
inline bool eventually(const std::function<bool()>& condition) {
  for (const auto deadline = steady_clock::now() + seconds{30}; steady_clock::now() < deadline;) {
    if (condition()) return true;
    poll(nullptr, 0, 5);
  }
  return false;
}

class RedisCacheTest : public testing::Test {
 protected:
  std::unique_ptr<redis::Cache> cache(const std::string& url, milliseconds budget, const std::string& ca_file = "") {
    auto options = redis::parse_redis_url(url);
    EXPECT_TRUE(options) << url;
    options->budget = budget;
    options->ca_file = ca_file;
    return std::make_unique<redis::Cache>(*options, store(), metrics_);
  }

  static void put(redis::Cache& cache, const Ids& ids) {
    std::vector<Transaction> transactions;
    transactions.reserve(ids.size());
    for (const std::int64_t id : ids) transactions.push_back(settled(id));
    std::vector<const Transaction*> pointers;
    pointers.reserve(transactions.size());
    for (const Transaction& transaction : transactions) pointers.push_back(&transaction);
    cache.put(kLineage, pointers, far());
  }

  // True for a hit. Nothing but the right transaction is ever given.
  static bool hits(redis::Cache& cache, std::int64_t id) {
    const auto found = cache.get(kLineage, Ids{id}, far());
    EXPECT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].value_or(settled(id)), settled(id));
    return found[0].has_value();
  }

  // Misses until the breaker opens, and that is soon.
  void expect_misses_until_left_alone(redis::Cache& cache, const std::string& why = "") {
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(cache.available()) << why;
      EXPECT_FALSE(hits(cache, 1)) << why;
    }
    EXPECT_EQ(metrics_.cache_breaker_open.Value(), 1) << why;
  }

  void expect_recovery(redis::Cache& cache) {
    EXPECT_TRUE(eventually([&] {
      put(cache, {1});
      return hits(cache, 1);
    }));
    EXPECT_TRUE(cache.available());
    EXPECT_EQ(metrics_.cache_breaker_open.Value(), 0);
  }

  double counted(const char* outcome) { return metrics_.cache_operation("redis", outcome).Value(); }

  static std::string key(std::int64_t id) { return redis::Seal(store()).key(kLineage, id); }
  static std::string value(std::int64_t id) { return redis::Seal(store()).seal(key(id), settled(id)); }
  static std::string reply(std::int64_t id) {
    return "*1\r\n$" + std::to_string(value(id).size()) + "\r\n" + value(id) + "\r\n";
  }
  static std::int64_t asked_id(const std::vector<std::string>& command) {
    return std::stoll(command.at(1).substr(command.at(1).rfind(':') + 1));
  }

  ops::Metrics metrics_;
};

}  // namespace tps::adapters
