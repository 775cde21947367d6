// G10 over TLS: the cache treats a Redis without a valid certificate as unreachable.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <csignal>

#include "fault/on_redis.hpp"
#include "support/certificates.hpp"

namespace tps::adapters {
namespace {

using testing::HasSubstr;
using tests::Certificates;

// A Redis with a second port for TLS.
struct TlsRedis {
  explicit TlsRedis(const Certificates::Pair& shown, std::vector<std::string> more = {})
      : server(arguments(shown, std::move(more))) {}
  [[nodiscard]] std::string url(const std::string& login = "", const std::string& host = "127.0.0.1") const {
    return "rediss://" + login + host + ":" + std::to_string(port);
  }
  [[nodiscard]] std::vector<std::string> arguments(const Certificates::Pair& shown,
                                                   std::vector<std::string> more) const {
    std::vector<std::string> words{
        "--tls-port", std::to_string(port), "--tls-cert-file", shown.certificate,    "--tls-key-file",
        shown.key,    "--tls-ca-cert-file", shown.certificate, "--tls-auth-clients", "no"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  std::uint16_t port = tests::free_port();
  RedisServer server;
};

class RedisTlsTest : public RedisCacheTest {
 protected:
  // As in the program: OpenSSL writes to sockets whose other end is gone.
  static void SetUpTestSuite() { std::signal(SIGPIPE, SIG_IGN); }

  [[nodiscard]] static std::string complaint(const std::string& url, const std::string& ca_file) {
    auto options = redis::parse_redis_url(url);
    options->ca_file = ca_file;
    std::string ping;
    redis::append_redis_command(ping, {"PING"});
    const auto answer = redis::Connection(*options).exchange(ping, 1, 1'000, far());
    return answer ? "" : answer.error();
  }

  Certificates certificates_;
  Certificates::Pair authority_ = certificates_.authority("authority");
  Certificates::Pair stranger_ = certificates_.authority("stranger");
  Certificates::Pair mine_ = certificates_.issue(authority_, "mine");
  const std::string& ca_ = authority_.certificate;
};

TEST_F(RedisTlsTest, GivesWhatWasPut) {
  const TlsRedis redis(mine_);
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const auto one = cache(redis.url("", host), kPatient, ca_);
    Ids ids;
    for (std::int64_t id = 1; id <= 2'000; ++id) ids.push_back(id);
    put(*one, ids);
    const auto found = one->get(kLineage, ids, far());
    for (const std::int64_t id : ids) EXPECT_EQ(found[static_cast<std::size_t>(id - 1)], settled(id));
  }
  EXPECT_EQ(counted("error"), 0);
}

TEST_F(RedisTlsTest, OneConnectionForAll) {
  const TlsRedis redis(mine_);
  const auto one = cache(redis.url(), kPatient, ca_);
  for (std::int64_t id = 1; id <= 20; ++id) {
    put(*one, {id});
    EXPECT_TRUE(hits(*one, id));
  }
  EXPECT_THAT(redis.server.command({"INFO", "clients"}), HasSubstr("connected_clients:2")) << "and this one";
}

TEST_F(RedisTlsTest, KeepsToItsBudget) {
  const TlsRedis redis(mine_);
  expect_recovery(*cache(redis.url(), kShort, ca_));
}

TEST_F(RedisTlsTest, CertificatesThatDoNotFitAreMisses) {
  const auto elsewhere = certificates_.issue(authority_, "elsewhere", "DNS:redis.example,IP:127.0.0.2");
  const TlsRedis good(mine_);
  const TlsRedis other(elsewhere);
  struct Case {
    std::string url;
    std::string ca_file;
    const char* words;
  };
  const Case cases[] = {
      {good.url(), stranger_.certificate, "unable to get local issuer certificate"},
      {good.url(), "", "unable to get local issuer certificate"},
      {other.url(), ca_, "IP address mismatch"},
      {other.url("", "localhost"), ca_, "hostname mismatch"},
      {good.url(), "/nowhere", "/nowhere: no certificates in PEM form (No such file or directory)"},
  };
  for (const auto& [url, ca_file, words] : cases) {
    EXPECT_THAT(complaint(url, ca_file), HasSubstr(words));
    expect_misses_until_left_alone(*cache(url, kPatient, ca_file), words);
  }
  EXPECT_EQ(good.server.command({"DBSIZE"}), "0");
  EXPECT_EQ(other.server.command({"DBSIZE"}), "0");
  const std::string plain = "redis" + good.url().substr(std::string("rediss").size());
  expect_misses_until_left_alone(*cache(plain, kPatient), "without TLS to the port with TLS");
  const std::string encrypted = "rediss" + good.server.url().substr(std::string("redis").size());
  expect_misses_until_left_alone(*cache(encrypted, kShort, ca_), "with TLS to the port without");
}

TEST_F(RedisTlsTest, SaysAtOnceWhatIsWrongWithItsFile) {
  auto options = redis::parse_redis_url("rediss://127.0.0.1:1");
  EXPECT_TRUE(redis::Tls(*options).check());
  options->ca_file = certificates_.file("text", "no certificate\n");
  ASSERT_FALSE(redis::Tls(*options).check());
  EXPECT_THAT(redis::Tls(*options).check().error(), HasSubstr("no certificates in PEM form"));
  options->tls = false;
  EXPECT_TRUE(redis::Tls(*options).check()) << "which it does not need then";
}

TEST_F(RedisTlsTest, LogsIn) {
  const TlsRedis redis(mine_, {"--requirepass", "p@ss", "--user", "me", "on", ">mine", "~*", "+@all"});
  for (const char* login : {"", ":wrong@", "me:wrong@"}) {
    expect_misses_until_left_alone(*cache(redis.url(login), kPatient, ca_), login);
  }
  for (const char* login : {":p%40ss@", "me:mine@"}) expect_recovery(*cache(redis.url(login), kPatient, ca_));
}

TEST_F(RedisTlsTest, StoppedPausedAndClosed) {
  TlsRedis redis(mine_);
  const auto one = cache(redis.url(), kPatient, ca_);
  put(*one, {1});
  redis.server.command({"CLIENT", "KILL", "TYPE", "normal"});
  EXPECT_TRUE(hits(*one, 1)) << "closed while idle";
  EXPECT_EQ(counted("error"), 0);
  redis.server.stop();
  expect_misses_until_left_alone(*one, "stopped");
  redis.server.start();
  expect_recovery(*one);

  const auto hasty = cache(redis.url(), kShort, ca_);
  expect_recovery(*hasty);
  redis.server.pause();
  EXPECT_TRUE(eventually([&] { return !hits(*hasty, 1) && !hasty->available(); }));
  redis.server.resume();
  expect_recovery(*hasty);
}

// If Redis does not answer the handshake, or answers with other bytes, the cache gives up when the budget ends.
TEST_F(RedisTlsTest, WhatIsNoHandshakeIsAMiss) {
  const FakeRedis silent([](FakeRedis::Peer& peer, int) { peer.read_command(); });
  const FakeRedis talkative([](FakeRedis::Peer& peer, int) {
    while (peer.send("+OK\r\n")) continue;
  });
  const FakeRedis slow([](FakeRedis::Peer& peer, int) {
    for (const char byte : std::string("\x16\x03\x03\x40") + std::string(10'000, 'x')) {
      if (!peer.send({&byte, 1})) return;
      poll(nullptr, 0, 5);
    }
  });
  for (const FakeRedis* fake : {&silent, &talkative, &slow}) {
    const std::string url = "rediss" + fake->url().substr(std::string("redis").size());
    expect_misses_until_left_alone(*cache(url, kShort, ca_), url);
  }
}

}  // namespace
}  // namespace tps::adapters
