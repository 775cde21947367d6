#include "adapters/postgres/hosts.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace tps::postgres {
namespace {

auto soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(10); }

std::string value(const Keywords& keywords, std::string_view name) {
  const auto found = std::ranges::find(keywords, name, &Keywords::value_type::first);
  return found == keywords.end() ? "-" : found->second;
}

std::expected<Keywords, std::string> resolved(Keywords keywords) {
  return Hosts().resolve(std::move(keywords), soon());
}

TEST(Hosts, LeavesAloneWhatIsNoName) {
  const Keywords cases[] = {
      {{"dbname", "tps"}},
      {{"host", "/run/postgresql"}, {"port", "5432"}},
      {{"host", "db"}, {"hostaddr", "10.0.0.1"}},
  };
  for (const Keywords& keywords : cases) {
    const auto answer = resolved(keywords);
    ASSERT_TRUE(answer) << answer.error();
    for (const auto& [name, text] : keywords) EXPECT_EQ(value(*answer, name), text);
  }
  EXPECT_EQ(value(*resolved({{"host", "/run/postgresql"}}), "hostaddr"), "");
}

TEST(Hosts, GivesEveryHostItsAddressAndPort) {
  const auto answer = resolved({{"host", "127.0.0.1,::1,/run"}, {"port", "1,2,3"}});
  ASSERT_TRUE(answer) << answer.error();
  EXPECT_EQ(value(*answer, "host"), "127.0.0.1,::1,/run");
  EXPECT_EQ(value(*answer, "hostaddr"), "127.0.0.1,::1,");
  EXPECT_EQ(value(*answer, "port"), "1,2,3");
  EXPECT_EQ(value(*resolved({{"host", "127.0.0.1,127.0.0.2"}, {"port", "5"}}), "port"), "5,5");
}

TEST(Hosts, LeavesOutNamesThatDoNotExist) {
  const auto answer = resolved({{"host", "no-such-host.invalid,127.0.0.1"}, {"port", "1,2"}});
  ASSERT_TRUE(answer) << answer.error();
  EXPECT_EQ(value(*answer, "hostaddr"), "127.0.0.1");
  EXPECT_EQ(value(*answer, "port"), "2");
  EXPECT_FALSE(resolved({{"host", "no-such-host.invalid"}}));
}

}  // namespace
}  // namespace tps::postgres
