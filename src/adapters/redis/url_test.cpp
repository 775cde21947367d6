#include "adapters/redis/url.hpp"

#include <gtest/gtest.h>

namespace tps::redis {
namespace {

TEST(Url, RefusesWithASentenceThatKeepsThePassword) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "starts with redis://"},
      {"localhost:6379", "starts with redis://"},
      {"http://host", "starts with redis://"},
      {"redisss://:secret@host", "starts with redis://"},
      {"rediss:/:secret@host", "starts with redis://"},
      {"rediss://", "no host"},
      {"redis://", "no host"},
      {"redis://:6379", "no host"},
      {"redis://:secret@", "no host"},
      {"redis://ho st", "not a host"},
      {"redis://user:secret@ho%41st", "not a host"},
      {"redis://[::1", "without its ']'"},
      {"redis://[]", "no host"},
      {"redis://host:", "port"},
      {"redis://host:0", "port"},
      {"redis://host:65536", "port"},
      {"redis://host:-1", "port"},
      {"redis://host:63x", "port"},
      {"redis://[::1]6379", "port"},
      {"redis://host/one", "database"},
      {"redis://host/-1", "database"},
      {"redis://host/1/2", "database"},
      {"redis://host/99999999999", "database"},
      {"redis://secret@host", "without a password"},
      {"redis://user:@host", "without a password"},
      {"redis://:secret%@host", "percent-encoding"},
      {"redis://:secret%2@host", "percent-encoding"},
      {"redis://:secret%zz@host", "percent-encoding"},
      {"redis://:secret%-1@host", "percent-encoding"},
      {"redis://host?db=1", "'?'"},
      {"rediss://host?verify=no", "'?'"},
  };
  for (const auto& [url, part] : cases) {
    const auto parsed = parse_redis_url(url);
    ASSERT_FALSE(parsed) << url;
    EXPECT_NE(parsed.error().find(part), std::string::npos) << url << ": " << parsed.error();
    EXPECT_EQ(parsed.error().find("secret"), std::string::npos) << url;
  }
}

TEST(Url, Parses) {
  struct Case {
    const char* url;
    const char* user;
    const char* password;
    const char* host;
    int port;
    int database;
  };
  const Case cases[] = {
      {"redis://localhost", "", "", "localhost", 6379, 0},
      {"Redis://redis-1.my_net.local:7000/", "", "", "redis-1.my_net.local", 7000, 0},
      {"redis://127.0.0.1:6380/15", "", "", "127.0.0.1", 6380, 15},
      {"redis://[::1]:6380/1", "", "", "::1", 6380, 1},
      {"redis://[::1]", "", "", "::1", 6379, 0},
      {"redis://:pw@h", "", "pw", "h", 6379, 0},
      {"redis://me:pw@h:1", "me", "pw", "h", 1, 0},
      {"redis://m%40e:p%3a%2F%25:x@h/2", "m@e", "p:/%:x", "h", 6379, 2},
      {"redis://:p@ss@h", "", "p@ss", "h", 6379, 0},
  };
  for (const auto& [url, user, password, host, port, database] : cases) {
    const auto parsed = parse_redis_url(url);
    ASSERT_TRUE(parsed) << url << ": " << parsed.error();
    EXPECT_EQ(parsed->user, user) << url;
    EXPECT_EQ(parsed->password, password) << url;
    EXPECT_EQ(parsed->host, host) << url;
    EXPECT_EQ(parsed->port, port) << url;
    EXPECT_EQ(parsed->database, database) << url;
  }
}

TEST(Url, AnotherSchemeMeansTls) {
  EXPECT_FALSE(parse_redis_url("redis://host")->tls);
  for (const char* url : {"rediss://me:pw@host:7000/2", "REDISS://me:pw@host:7000/2"}) {
    const auto parsed = parse_redis_url(url);
    ASSERT_TRUE(parsed) << url << ": " << parsed.error();
    EXPECT_TRUE(parsed->tls);
    EXPECT_EQ(parsed->host, "host");
    EXPECT_EQ(parsed->port, 7000);
    EXPECT_EQ(parsed->user, "me");
    EXPECT_EQ(parsed->database, 2);
  }
}

}  // namespace
}  // namespace tps::redis
