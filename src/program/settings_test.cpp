#include "program/settings.hpp"

#include <gtest/gtest.h>

namespace tps {
namespace {

using std::chrono::milliseconds;

std::expected<Settings, std::string> read(const Values& flags, Command command = Command::serve,
                                          const std::vector<std::string>& environment = {}) {
  const auto config = Config::load(flags, environment, command);
  if (!config) return std::unexpected("config: " + config.error());
  return read_settings(*config, command);
}

std::string error_of(const Values& flags, Command command = Command::serve) {
  const auto settings = read(flags, command);
  return settings ? "" : settings.error();
}

TEST(Settings, HaveDefaultsForEveryCommand) {
  for (const Command command : {Command::serve, Command::worker, Command::migrate, Command::import, Command::export_all,
                                Command::verify, Command::backup, Command::restore, Command::keys, Command::health}) {
    const auto settings = read({}, command);
    ASSERT_TRUE(settings.has_value()) << name_of(command) << ": " << settings.error();
    EXPECT_EQ(std::get<SqliteFile>(settings->database).path, "tps.db");
    EXPECT_EQ(settings->server.listen.port(), command == Command::worker ? 8001 : 8000);
    EXPECT_EQ(settings->request_timeout, milliseconds(10'000));
    EXPECT_FALSE(settings->access.required);
    EXPECT_FALSE(settings->partitions.chosen);
  }
}

TEST(Settings, EveryValueGoesWhereItBelongs) {
  const auto settings = read({{"listen", "[::1]:9"},
                              {"tls-certificate", "c"},
                              {"tls-key", "k"},
                              {"tls-client-ca", "a"},
                              {"trusted-proxies", "10.0.0.0/8"},
                              {"database-url", "postgresql://h/d"},
                              {"prepared-statements", "off"},
                              {"partitions", "1"},
                              {"migrate", "true"},
                              {"worker", "false"},
                              {"redis-url", "rediss://h:1"},
                              {"redis-ca-file", "r"},
                              {"assets", "BTC:8"},
                              {"log-level", "debug"},
                              {"log-format", "human"}});
  ASSERT_TRUE(settings.has_value()) << settings.error();
  EXPECT_EQ(http::text_of(settings->server.listen), "[::1]:9");
  EXPECT_EQ(settings->server.tls.certificate, "c");
  EXPECT_EQ(settings->server.tls.key, "k");
  EXPECT_EQ(settings->server.tls.client_ca, "a");
  EXPECT_TRUE(settings->server.trusted_proxies.trusts("10.1.2.3"));
  EXPECT_EQ(std::get<PostgresServer>(settings->database).url, "postgresql://h/d");
  EXPECT_FALSE(std::get<PostgresServer>(settings->database).prepared_statements);
  EXPECT_TRUE(settings->partitions.chosen);
  EXPECT_TRUE(settings->migrate);
  EXPECT_FALSE(settings->worker);
  EXPECT_TRUE(settings->redis->tls);
  EXPECT_EQ(settings->redis->ca_file, "r");
  EXPECT_NE(settings->currencies.find("btc"), nullptr);
  EXPECT_EQ(settings->log_level, ops::Level::debug);
  EXPECT_EQ(settings->log_format, ops::LogFormat::human);
}

TEST(Settings, EveryNumberGoesWhereItBelongs) {
  const auto settings = read({{"io-threads", "2"},
                              {"max-connections", "3"},
                              {"connections-per-client", "4"},
                              {"max-body-memory", "16777217"},
                              {"request-timeout", "4001"},
                              {"header-timeout", "11"},
                              {"body-timeout", "12"},
                              {"idle-timeout", "13"},
                              {"drain-delay", "14"},
                              {"drain-timeout", "15"},
                              {"submit-queue", "16"},
                              {"read-queue", "17"},
                              {"query-queue", "18"},
                              {"max-flight", "19"},
                              {"settle-batch", "20"},
                              {"local-cache", "21"},
                              {"token-lifetime", "61"},
                              {"rate-limit", "22"},
                              {"address-rate-limit", "23"}});
  ASSERT_TRUE(settings.has_value()) << settings.error();
  EXPECT_EQ(settings->server.io_threads, 2);
  EXPECT_EQ(settings->server.max_connections, 3);
  EXPECT_EQ(settings->server.connections_per_client, 4);
  EXPECT_EQ(settings->server.max_body_bytes, 16'777'217);
  EXPECT_EQ(settings->request_timeout, milliseconds(4'001));
  EXPECT_EQ(settings->server.header_timeout, milliseconds(11));
  EXPECT_EQ(settings->server.body_timeout, milliseconds(12));
  EXPECT_EQ(settings->server.idle_timeout, milliseconds(13));
  EXPECT_EQ(settings->server.drain_delay, milliseconds(14));
  EXPECT_EQ(settings->server.drain_limit, milliseconds(15));
  EXPECT_EQ(settings->submit_queue, 16);
  EXPECT_EQ(settings->read_queue, 17);
  EXPECT_EQ(settings->query_queue, 18);
  EXPECT_EQ(settings->max_flight, 19);
  EXPECT_EQ(settings->settle_batch, 20);
  EXPECT_EQ(settings->local_cache, 21);
  EXPECT_EQ(settings->access.token_lifetime, std::chrono::seconds(61));
  EXPECT_EQ(settings->access.requests_per_second, 22);
  EXPECT_EQ(settings->access.requests_per_second_and_address, 23);
}

TEST(Settings, AWrongValueIsReportedWithItsName) {
  struct Case {
    const char* name;
    const char* value;
    const char* error;
  };
  const Case cases[] = {
      {"listen", "nowhere", "listen: 'nowhere' is not ADDRESS:PORT"},
      {"trusted-proxies", "x", "trusted-proxies: \"x\" is neither"},
      {"database-url", "mysql://u:secret@h/d", "database-url: expected sqlite:PATH or postgresql://..., not mysql:..."},
      {"database-url", "host=h password=secret@1", "database-url: expected sqlite:PATH or postgresql://..."},
      {"database-url", "secret@h:1://d", "database-url: expected sqlite:PATH or postgresql://..."},
      {"database-url", "sqlite:", "database-url: sqlite: needs a path"},
      {"database-url", "sqlite:///rel.db", "database-url: expected sqlite:PATH without //, such as sqlite:tps.db"},
      {"database-url", "sqlite://x.db", "database-url: expected sqlite:PATH without //"},
      {"worker", "false", "worker: is off, and on SQLite no other process can settle while this one serves"},
      {"database-url", "postgresql://u:secret@[bad/d", "database-url: not a valid PostgreSQL URL"},
      {"redis-url", "redis://u:secret@h:port", "redis-url: "},
      {"assets", "BTC", "assets: "},
      {"jwt-secret", "short-secret", "jwt-secret: "},
      {"jwt-previous-secret", "short-secret", "jwt-previous-secret: "},
      {"jwt-secret", "", "jwt-secret: is given, but empty (flag --jwt-secret)"},
      {"users-file", "", "users-file: is given, but empty"},
      {"users-file", "u", "users-file: needs jwt-secret"},
      {"jwt-keys", "http://h/keys", "jwt-keys: expected a file or an https:// URL, not http:..."},
      {"jwt-keys", "https://u:secret/@h/keys", "jwt-keys: a URL with a user or a password is not accepted"},
      {"jwt-keys-ca-file", "ca.pem", "jwt-keys-ca-file: needs jwt-keys with an https:// URL"},
  };
  for (const Case& one : cases) {
    const std::string error = error_of({{one.name, one.value}});
    EXPECT_EQ(error.find(one.error), 0) << error;
    EXPECT_FALSE(error.contains("secret@") || error.contains("short")) << error;
  }
}

TEST(Settings, WhatACommandDoesNotReadCannotBeWrong) {
  EXPECT_EQ(error_of({{"redis-url", "x"}, {"jwt-secret", "short"}}, Command::migrate), "");
  EXPECT_EQ(error_of({{"listen", "nowhere"}}, Command::verify), "");
  const auto health = read({{"database-url", "mysql://h"}}, Command::health);
  ASSERT_TRUE(health.has_value());
  EXPECT_EQ(std::get<SqliteFile>(health->database).path, "tps.db");
}

TEST(Settings, TransactionsCanSettleWhereTheyAreAccepted) {
  EXPECT_TRUE(read({{"worker", "false"}, {"database-url", "postgresql://tps@db/tps"}}));
  EXPECT_TRUE(read({{"worker", "false"}, {"accept-only", "true"}}));
  EXPECT_TRUE(read({{"database-url", "sqlite:/var/lib/tps/tps.db"}}));
}

TEST(Settings, EachOfTheCredentialsSwitchesAuthenticationOn) {
  const std::string secret = "the secret of this quarter, of 32 bytes";
  EXPECT_TRUE(read({{"auth", "true"}})->access.required);
  EXPECT_TRUE(read({{"jwt-issuer", "i"}})->access.required);
  EXPECT_TRUE(read({{"jwt-audience", "a"}})->access.required);
  EXPECT_TRUE(read({{"jwt-previous-secret", secret}})->access.required);
  EXPECT_TRUE(read({{"jwt-secret", secret}, {"users-file", "u"}})->access.required);
  const auto url = read({{"jwt-keys", "https://h/keys"}});
  EXPECT_EQ(url->access.keys_url, "https://h/keys");
  EXPECT_EQ(url->access.keys_file, "");
  EXPECT_EQ(read({{"jwt-keys", "keys.pem"}})->access.keys_file, "keys.pem");
  EXPECT_EQ(error_of({{"auth", "false"}, {"jwt-issuer", "i"}}),
            "auth: is off, but jwt-issuer switches authentication on: remove one of the two");
  EXPECT_EQ(error_of({{"auth", "false"}}), "");
}

TEST(Settings, EveryOneIsReadBySomeCommandAndDescribed) {
  for (const Setting& setting : settings()) {
    EXPECT_NE(setting.readers & ~set_of(Command::config), 0) << setting.name;
    EXPECT_TRUE(setting.is_read_by(Command::config)) << setting.name;
    EXPECT_FALSE(setting.meaning.empty() || setting.meaning.ends_with('.')) << setting.name;
    EXPECT_EQ(setting.kind == SettingKind::number, !setting.unit.empty()) << setting.name;
    EXPECT_EQ(setting.kind == SettingKind::choice, !choices_of(setting).empty()) << setting.name;
  }
}

}  // namespace
}  // namespace tps
