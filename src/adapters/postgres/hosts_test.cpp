#include "adapters/postgres/hosts.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace tps::adapters {
namespace {

auto soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(10); }

std::string value(const PostgresKeywords& keywords, std::string_view name) {
  const auto found = std::ranges::find(keywords, name, &PostgresKeywords::value_type::first);
  return found == keywords.end() ? "-" : found->second;
}

std::expected<PostgresKeywords, std::string> resolved(PostgresKeywords keywords) {
  return PostgresHosts().resolve(std::move(keywords), soon());
}

TEST(PostgresHosts, LeavesAloneWhatIsNoName) {
  const PostgresKeywords cases[] = {
      {{"dbname", "tps"}},
      {{"host", "/run/postgresql"}, {"port", "5432"}},
      {{"host", "db"}, {"hostaddr", "10.0.0.1"}},
  };
  for (const PostgresKeywords& keywords : cases) {
    const auto answer = resolved(keywords);
    ASSERT_TRUE(answer) << answer.error();
    for (const auto& [name, text] : keywords) EXPECT_EQ(value(*answer, name), text);
  }
  EXPECT_EQ(value(*resolved({{"host", "/run/postgresql"}}), "hostaddr"), "");
}

TEST(PostgresHosts, GivesEveryHostItsAddressAndPort) {
  const auto answer = resolved({{"host", "127.0.0.1,::1,/run"}, {"port", "1,2,3"}});
  ASSERT_TRUE(answer) << answer.error();
  EXPECT_EQ(value(*answer, "host"), "127.0.0.1,::1,/run");
  EXPECT_EQ(value(*answer, "hostaddr"), "127.0.0.1,::1,");
  EXPECT_EQ(value(*answer, "port"), "1,2,3");
  EXPECT_EQ(value(*resolved({{"host", "127.0.0.1,127.0.0.2"}, {"port", "5"}}), "port"), "5,5");
}

TEST(PostgresHosts, LeavesOutNamesThatDoNotExist) {
  const auto answer = resolved({{"host", "no-such-host.invalid,127.0.0.1"}, {"port", "1,2"}});
  ASSERT_TRUE(answer) << answer.error();
  EXPECT_EQ(value(*answer, "hostaddr"), "127.0.0.1");
  EXPECT_EQ(value(*answer, "port"), "2");
  EXPECT_FALSE(resolved({{"host", "no-such-host.invalid"}}));
}

}  // namespace
}  // namespace tps::adapters
