#include "http/server/trusted_proxies.hpp"

#include <gtest/gtest.h>

namespace tps::http {
namespace {

std::string client(std::string_view trusted, const std::string& peer, const std::vector<std::string_view>& forwarded) {
  Request request;
  for (const std::string_view value : forwarded) request.headers.emplace_back("X-Forwarded-For", value);
  return TrustedProxies::parse(trusted)->client(peer, request);
}

TEST(TrustedProxies, AreBelievedAndNobodyElse) {
  EXPECT_EQ(client("10.0.0.0/8", "10.1.2.3", {"192.0.2.7"}), "192.0.2.7");
  EXPECT_EQ(client("10.0.0.0/8", "11.1.2.3", {"192.0.2.7"}), "11.1.2.3");
  EXPECT_EQ(client("", "10.1.2.3", {"192.0.2.7"}), "10.1.2.3");
  EXPECT_EQ(client("10.1.2.3", "10.1.2.3", {"192.0.2.7"}), "192.0.2.7");
  EXPECT_EQ(client("10.1.2.4", "10.1.2.3", {"192.0.2.7"}), "10.1.2.3");
  EXPECT_EQ(client("10.0.0.0/8", "10.1.2.3", {}), "10.1.2.3");
}

TEST(TrustedProxies, SayMoreThanWhatTheirClientsWrite) {
  EXPECT_EQ(client("10.0.0.0/8", "10.1.2.3", {"198.51.100.1, 192.0.2.7"}), "192.0.2.7");
  EXPECT_EQ(client("10.0.0.0/8", "10.1.2.3", {"198.51.100.1", "192.0.2.7"}), "192.0.2.7");
  EXPECT_EQ(client("10.0.0.0/8", "10.1.2.3", {"192.0.2.7, 10.9.9.9"}), "192.0.2.7");
  EXPECT_EQ(client("10.0.0.0/8", "10.1.2.3", {"192.0.2.7, nonsense"}), "10.1.2.3");
  EXPECT_EQ(client("10.0.0.0/8", "10.1.2.3", {"192.0.2.7, nonsense, 10.9.9.9"}), "10.9.9.9");
  EXPECT_EQ(client("10.0.0.0/8", "10.1.2.3", {"10.9.9.9"}), "10.9.9.9");
  EXPECT_EQ(client("10.0.0.0/8", "10.1.2.3", {"192.0.2.7:1234"}), "192.0.2.7");
  EXPECT_EQ(client("10.0.0.0/8", "10.1.2.3", {"[2001:db8::7]:1234"}), "2001:db8::7");
}

TEST(TrustedProxies, KnowBothFamilies) {
  EXPECT_EQ(client("10.0.0.0/8, fd00::/8", "fd00::1", {"2001:db8::7"}), "2001:db8::7");
  EXPECT_EQ(client("10.0.0.0/8", "::ffff:10.1.2.3", {"192.0.2.7"}), "192.0.2.7");
  EXPECT_EQ(client("fd00::1", "fd00::2", {"192.0.2.7"}), "fd00::2");
}

TEST(TrustedProxies, RefusesWhatIsNoAddress) {
  for (const char* bad : {"balancer", "10.0.0.0/33", "10.0.0.0/8 192.0.2.7", "10.0.0.0/8,,192.0.2.7"}) {
    EXPECT_FALSE(TrustedProxies::parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace tps::http
