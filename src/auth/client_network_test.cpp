#include "auth/client_network.hpp"

#include <gtest/gtest.h>

namespace tps::auth {
namespace {

TEST(ClientNetwork, IsTheAddressOrWhatWhoeverHasItGets) {
  EXPECT_EQ(client_network("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(client_network("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(client_network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  EXPECT_EQ(client_network("2001:db8:1:2:ffff::1"), "2001:db8:1:2::/64");
  EXPECT_EQ(client_network("fe80::1%eth0"), "fe80::/64");
  EXPECT_EQ(client_network(""), "");
}

}  // namespace
}  // namespace tps::auth
