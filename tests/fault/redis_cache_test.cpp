// G10 at its source: whatever happens to Redis, get() soon returns the value of put(), or none.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "adapters/redis/cache.hpp"
#include "fault/on_redis.hpp"
#include "ports/store.hpp"

namespace tps::adapters {
namespace {

TEST_F(RedisCacheTest, GivesWhatWasPutAndCountsIt) {
  RedisServer redis;
  const auto one = cache(redis.url(), kPatient);
  put(*one, {1, 2});
  const auto found = one->get(kLineage, Ids{2, 99, 1, 2}, far());
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0], settled(2));
  EXPECT_EQ(found[1], std::nullopt);
  EXPECT_EQ(found[2], settled(1));
  EXPECT_EQ(found[3], settled(2));
  EXPECT_EQ(counted("stored"), 2);
  EXPECT_EQ(counted("hit"), 3);
  EXPECT_EQ(counted("miss"), 1);
  EXPECT_EQ(redis.command({"KEYS", "*:1"}), "tps:{6f1c}:3:0123456789abcdef:txn:1\n");
  const int seconds_to_live = std::stoi(redis.command({"TTL", key(1)}));
  EXPECT_GT(seconds_to_live, 3500);
  EXPECT_LE(seconds_to_live, 3600);
}

TEST_F(RedisCacheTest, AsksForManyInOneTrip) {
  RedisServer redis;
  const auto one = cache(redis.url(), kPatient);
  Ids ids;
  for (std::int64_t id = 1; id <= 2'000; ++id) ids.push_back(id);
  put(*one, ids);
  const auto found = one->get(kLineage, ids, far());
  for (const std::int64_t id : ids) EXPECT_EQ(found[static_cast<std::size_t>(id - 1)], settled(id));
  EXPECT_NE(redis.command({"INFO", "commandstats"}).find("cmdstat_mget:calls=1,"), std::string::npos);
}

TEST_F(RedisCacheTest, AsksForNothingWithoutATrip) {
  const auto one = cache("redis://127.0.0.1:1", kShort);
  EXPECT_TRUE(one->get(kLineage, {}, far()).empty());
  one->put(kLineage, {}, far());
  EXPECT_EQ(counted("error") + counted("skipped"), 0);
}

TEST_F(RedisCacheTest, Stopped) {
  RedisServer redis;
  const auto one = cache(redis.url(), kPatient);
  put(*one, {1});
  ASSERT_TRUE(hits(*one, 1));
  redis.stop();
  expect_misses_until_left_alone(*one);
  redis.start();
  expect_recovery(*one);
}

TEST_F(RedisCacheTest, StoppedProcess) {
  RedisServer redis;
  const auto one = cache(redis.url(), kShort);
  expect_recovery(*one);
  redis.pause();
  EXPECT_TRUE(eventually([&] { return !hits(*one, 1) && !one->available(); }));
  put(*one, {1, 2, 3});
  redis.resume();
  expect_recovery(*one);
}

TEST_F(RedisCacheTest, PausedClients) {
  RedisServer redis;
  const auto one = cache(redis.url(), kShort);
  expect_recovery(*one);
  redis.command({"CLIENT", "PAUSE", "500", "ALL"});
  EXPECT_TRUE(eventually([&] { return !hits(*one, 1) && !one->available(); }));
  EXPECT_GT(counted("error"), 0);
  // The answers that Redis still owes come when the pause is over, and must not be taken for later ones.
  const auto patient = cache(redis.url(), kPatient);
  put(*patient, {2, 3, 4});
  for (const std::int64_t id : {2, 3, 4}) EXPECT_TRUE(eventually([&] { return hits(*one, id); })) << id;
}

TEST_F(RedisCacheTest, Full) {
  RedisServer redis;
  const auto one = cache(redis.url(), kPatient);
  put(*one, {1});
  redis.command({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
  redis.command({"CONFIG", "SET", "maxmemory", "1"});
  for (std::int64_t id = 2; id < 8; ++id) put(*one, {id});
  EXPECT_EQ(counted("error"), 6);
  EXPECT_TRUE(one->available()) << "it still gives what it has";
  EXPECT_FALSE(hits(*one, 2));
  EXPECT_TRUE(hits(*one, 1));
}

// A Redis that refuses every SET is heard of once, shown by a metric, and read all the same.
TEST_F(RedisCacheTest, RefusesToStore) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"REPLICAOF", "127.0.0.1", "1"}, "READONLY"}, {{"ACL", "SETUSER", "default", "-set"}, "NOPERM"}};
  for (const auto& [refuse, says] : cases) {
    RedisServer redis;
    const auto one = cache(redis.url(), kPatient);
    EXPECT_EQ(one->trouble(far()), std::nullopt);
    put(*one, {1});
    EXPECT_EQ(metrics_.cache_writes_refused.Value(), 0);
    redis.command(refuse);
    testing::internal::CaptureStderr();
    for (std::int64_t id = 2; id < 8; ++id) put(*one, {id});
    EXPECT_EQ(metrics_.cache_writes_refused.Value(), 1);
    EXPECT_TRUE(hits(*one, 1));
    EXPECT_NE(one->trouble(far()).value_or("").find("refuses to store: " + says), std::string::npos);
    one->look_again(far());
    EXPECT_EQ(metrics_.cache_writes_refused.Value(), 1);
    redis.command({"REPLICAOF", "NO", "ONE"});
    redis.command({"ACL", "SETUSER", "default", "+set"});
    one->look_again(far());
    EXPECT_EQ(metrics_.cache_writes_refused.Value(), 0);
    const std::string said = testing::internal::GetCapturedStderr();
    const std::string line = "redis refuses to store";
    EXPECT_EQ(said.find(line), said.rfind(line)) << said;
    EXPECT_NE(said.find(says), std::string::npos) << said;
  }
}

// Without any lookup, the metric says that Redis is away, and that it came back.
TEST_F(RedisCacheTest, NotThereAtTheStart) {
  RedisServer redis;
  redis.stop();
  const auto one = cache(redis.url(), kPatient);
  EXPECT_NE(one->trouble(far()).value_or("").find("cannot be used"), std::string::npos);
  EXPECT_EQ(metrics_.cache_breaker_open.Value(), 1);
  one->look_again(far());
  EXPECT_EQ(metrics_.cache_breaker_open.Value(), 1);
  redis.start();
  EXPECT_TRUE(eventually([&] {
    one->look_again(far());
    return metrics_.cache_breaker_open.Value() == 0;
  }));
  EXPECT_TRUE(one->available());
}

TEST_F(RedisCacheTest, Flushed) {
  RedisServer redis;
  const auto one = cache(redis.url(), kPatient);
  put(*one, {1});
  redis.command({"FLUSHALL"});
  EXPECT_FALSE(hits(*one, 1));
  EXPECT_EQ(counted("miss"), 1);
  put(*one, {1});
  EXPECT_TRUE(hits(*one, 1));
}

TEST_F(RedisCacheTest, PoisonedValuesAreMisses) {
  RedisServer redis;
  const auto one = cache(redis.url(), kPatient);
  ports::StoreIdentity older = store();
  older.schema = 2;
  ports::StoreIdentity stranger = store();
  stranger.cache_secret[0] ^= 1;
  Transaction pending = settled(1);
  pending.status = domain::Status::pending;
  Transaction richer = settled(1);
  richer.amount_minor += 1;
  std::string flipped = value(1);
  flipped[20] = static_cast<char>(flipped[20] ^ 1);

  const std::pair<const char*, std::string> cases[] = {
      {"empty", ""},
      {"a number", "1"},
      {"garbage", std::string(300, '\xff')},
      {"JSON", R"({"id":1,"status":"settled"})"},
      {"cut short", value(1).substr(0, value(1).size() - 1)},
      {"longer", value(1) + "x"},
      {"a flipped bit", flipped},
      {"the value of another id", value(2)},
      {"another id sealed for this key", redis::Seal(store()).seal(key(1), settled(2))},
      {"not final", redis::Seal(store()).seal(key(1), pending)},
      {"an old schema", redis::Seal(older).seal(redis::Seal(older).key(kLineage, 1), settled(1))},
      {"of another history", redis::Seal(store()).seal(redis::Seal(store()).key("fedcba9876543210", 1), settled(1))},
      {"sealed with another secret", redis::Seal(stranger).seal(key(1), richer)},
      {"longer than any value", std::string(1'000'000, 'x')},
  };
  for (const auto& [name, poison] : cases) {
    redis.command({"SET", key(1), poison});
    EXPECT_FALSE(hits(*one, 1)) << name;
    EXPECT_TRUE(one->available()) << name;
    put(*one, {1});
    EXPECT_TRUE(hits(*one, 1)) << name;
  }
  EXPECT_EQ(counted("rejected"), static_cast<double>(std::size(cases) - 1));
  EXPECT_EQ(counted("error"), 1) << "the too long answer is not even read";
}

TEST_F(RedisCacheTest, PoisonHarmsNoNeighbour) {
  RedisServer redis;
  const auto one = cache(redis.url(), kPatient);
  put(*one, {1, 2, 3});
  redis.command({"SET", key(2), "poison"});
  redis.command({"DEL", key(3)});
  redis.command({"LPUSH", key(3), "a list"});
  const auto found = one->get(kLineage, Ids{1, 2, 3}, far());
  EXPECT_EQ(found[0], settled(1));
  EXPECT_EQ(found[1], std::nullopt);
  EXPECT_EQ(found[2], std::nullopt);
  EXPECT_EQ(counted("rejected"), 1);
  EXPECT_EQ(counted("miss"), 1) << "MGET says nil for another type";
  put(*one, {3});
  EXPECT_TRUE(hits(*one, 3)) << "SET replaces another type";
}

TEST_F(RedisCacheTest, LogsIn) {
  RedisServer redis({"--requirepass", "p@ss", "--user", "me", "on", ">mine", "~*", "+@all"});
  for (const char* login : {"", ":wrong@", "me:wrong@", "nobody:mine@"}) {
    expect_misses_until_left_alone(*cache(redis.url(login), kPatient), login);
  }
  for (const char* login : {":p%40ss@", "me:mine@"}) expect_recovery(*cache(redis.url(login), kPatient));
}

TEST_F(RedisCacheTest, ARefusedPutIsNoSignOfHealth) {
  RedisServer redis({"--requirepass", "p@ss"});
  const auto one = cache(redis.url(), kPatient);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(hits(*one, 1));
    put(*one, {1});
  }
  EXPECT_FALSE(one->available());
}

TEST_F(RedisCacheTest, SelectsTheDatabase) {
  RedisServer redis;
  const auto third = cache(redis.url("", "/3"), kPatient);
  put(*third, {1});
  EXPECT_TRUE(hits(*third, 1));
  EXPECT_FALSE(hits(*cache(redis.url("", "/0"), kPatient), 1));
  expect_misses_until_left_alone(*cache(redis.url("", "/99"), kPatient));
}

TEST_F(RedisCacheTest, LooksUpNames) {
  RedisServer redis;
  const std::string url = redis.url();
  const auto one = cache("redis://localhost" + url.substr(url.rfind(':')), kPatient);
  put(*one, {1});
  EXPECT_TRUE(hits(*one, 1));
  const auto nowhere = cache("redis://no-such-host.invalid", kShort);
  EXPECT_TRUE(eventually([&] { return !hits(*nowhere, 1) && !nowhere->available(); }));
}

TEST_F(RedisCacheTest, NobodyAccepts) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_GE(listener, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(listener, generic, size), 0);
  ASSERT_EQ(listen(listener, 0), 0);
  ASSERT_EQ(getsockname(listener, generic, &size), 0);
  // A queue of one is full with these; the kernel then leaves further clients without an answer.
  std::vector<int> crowd;
  for (int i = 0; i < 3; ++i) {
    crowd.push_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    connect(crowd.back(), generic, size);
  }
  expect_misses_until_left_alone(*cache("redis://127.0.0.1:" + std::to_string(ntohs(address.sin_port)), kShort));
  for (const int one : crowd) close(one);
  close(listener);
}

// The answer is right and each byte comes soon after the one before, but all of them take far longer than the budget.
TEST_F(RedisCacheTest, SlowDripIsAMiss) {
  const FakeRedis redis([](FakeRedis::Peer& peer, int) {
    if (!peer.read_command()) return;
    for (const char byte : reply(1)) {
      if (!peer.send({&byte, 1}) || !peer.stays(5)) return;
    }
    peer.read_command();
  });
  expect_misses_until_left_alone(*cache(redis.url(), kShort));
  EXPECT_TRUE(eventually([&] { return redis.connections() == 3; })) << "each time on a new connection";
}

TEST_F(RedisCacheTest, EndlessAnswerIsAMiss) {
  const FakeRedis redis([](FakeRedis::Peer& peer, int) {
    if (!peer.read_command() || !peer.send("*1\r\n$2000000000\r\n")) return;
    while (peer.send(std::string(100'000, 'x'))) continue;
  });
  expect_misses_until_left_alone(*cache(redis.url(), kPatient));
}

TEST_F(RedisCacheTest, WrongAnswersAreMisses) {
  const std::pair<const char*, std::string> cases[] = {
      {"closes", ""},
      {"another protocol", "HTTP/1.1 400 Bad Request\r\n\r\n"},
      {"loading", "-LOADING Redis is loading the dataset in memory\r\n"},
      {"a status", "+OK\r\n"},
      {"an integer", ":1\r\n"},
      {"nil", "$-1\r\n"},
      {"no array", "*-1\r\n"},
      {"an empty array", "*0\r\n"},
      {"too many", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"},
      {"an enormous array", "*2000000000\r\n"},
      {"a negative length", "*1\r\n$-7\r\n"},
      {"nested too deep", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n+x\r\n"},
      {"cut short", reply(1).substr(0, 40)},
  };
  for (const auto& [name, answer] : cases) {
    const FakeRedis redis([&](FakeRedis::Peer& peer, int) {
      if (peer.read_command()) peer.send(answer);
    });
    expect_misses_until_left_alone(*cache(redis.url(), kPatient), name);
  }
}

TEST_F(RedisCacheTest, ElementsOfAnotherKindAreRejected) {
  const FakeRedis redis([](FakeRedis::Peer& peer, int) {
    for (const char* element : {":1\r\n", "*1\r\n$-1\r\n", "-ERR no\r\n", "+OK\r\n"}) {
      if (peer.read_command()) peer.send(std::string("*1\r\n") + element);
    }
    peer.read_command();
  });
  const auto one = cache(redis.url(), kPatient);
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(hits(*one, 1));
  EXPECT_EQ(counted("rejected"), 4);
}

TEST_F(RedisCacheTest, AnAnswerThatComesTooLateIsNeverTaken) {
  const FakeRedis redis([](FakeRedis::Peer& peer, int number) {
    const auto first = peer.read_command();
    if (!first) return;
    if (number == 0) {
      while (peer.stays(50)) continue;  // until the client gives up
      peer.send(reply(asked_id(*first)));
      return;
    }
    peer.send(reply(asked_id(*first)));
    peer.read_command();
  });
  const auto one = cache(redis.url(), milliseconds{300});
  EXPECT_FALSE(hits(*one, 1));
  EXPECT_TRUE(eventually([&] { return hits(*one, 2); }));
  EXPECT_GE(redis.connections(), 2);
}

TEST_F(RedisCacheTest, AnAnswerTooManyIsNeverTaken) {
  std::atomic<bool> waiting = false;
  std::atomic<bool> sent = false;
  const FakeRedis redis([&](FakeRedis::Peer& peer, int number) {
    while (const auto command = peer.read_command()) {
      const std::string right = reply(asked_id(*command));
      if (number == 0) peer.send(right + right);
      if (number != 0) peer.send(right);
      if (number != 1) continue;
      while (!waiting) poll(nullptr, 0, 1);
      peer.send(right);  // later, while no request waits
      sent = true;
    }
  });
  const auto one = cache(redis.url(), kPatient);
  EXPECT_TRUE(hits(*one, 1)) << "followed by a second answer at once";
  EXPECT_TRUE(hits(*one, 2)) << "on a new connection";
  waiting = true;
  ASSERT_TRUE(eventually([&] { return sent.load(); }));
  EXPECT_TRUE(hits(*one, 3)) << "on a new connection again";
  EXPECT_EQ(redis.connections(), 3);
  EXPECT_EQ(counted("rejected"), 0);
}

TEST_F(RedisCacheTest, AConnectionClosedWhileIdleCostsNothing) {
  RedisServer redis;
  const auto one = cache(redis.url(), kPatient);
  put(*one, {1});
  redis.command({"CLIENT", "KILL", "TYPE", "normal"});
  EXPECT_TRUE(hits(*one, 1));
  EXPECT_EQ(counted("error"), 0);
}

TEST_F(RedisCacheTest, ACallerWithoutTimeLeftBlamesNobody) {
  const FakeRedis silent([](FakeRedis::Peer& peer, int) {
    while (peer.read_command()) continue;
  });
  const auto one = cache(silent.url(), kPatient);
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(one->get(kLineage, Ids{1}, steady_clock::now() - seconds{1})[0]);
    EXPECT_FALSE(one->get(kLineage, Ids{1}, steady_clock::now() + milliseconds{1})[0]);
  }
  EXPECT_TRUE(one->available());
}

TEST_F(RedisCacheTest, PutsNothingThatGetWouldRefuse) {
  RedisServer redis;
  const auto one = cache(redis.url(), kPatient);
  Transaction pending = settled(1);
  pending.status = domain::Status::pending;
  Transaction authorized = settled(2);
  authorized.status = domain::Status::authorized;
  Transaction large = settled(3);
  large.metadata = std::string(20'000, 'x');
  const Transaction* all[] = {&pending, &authorized, &large};
  one->put(kLineage, all, far());
  EXPECT_EQ(redis.command({"DBSIZE"}), "0");
  EXPECT_EQ(counted("skipped"), 3);
}

TEST_F(RedisCacheTest, AnyThreadMayAskWhetherItIsAvailable) {
  const auto one = cache("redis://127.0.0.1:1", kShort);
  std::atomic<bool> stop = false;
  std::atomic<bool> seen_open = false;
  std::thread asker([&] {
    while (!stop) {
      if (!one->available()) seen_open = true;
    }
  });
  EXPECT_TRUE(eventually([&] { return !hits(*one, 1) && seen_open; }));
  stop = true;
  asker.join();
}

}  // namespace
}  // namespace tps::adapters
