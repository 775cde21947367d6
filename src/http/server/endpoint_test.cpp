#include "http/server/endpoint.hpp"

#include <gtest/gtest.h>

namespace tps::http {
namespace {

TEST(Endpoint, IsReadFromText) {
  EXPECT_EQ(parse_endpoint("127.0.0.1:80")->port(), 80);
  EXPECT_TRUE(parse_endpoint("[::1]:8000")->address().is_v6());
  EXPECT_EQ(parse_endpoint("localhost:1")->address().to_string(), "127.0.0.1");
  for (const char* bad : {"", ":", "8000", ":8000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                          "::1:80", "[127.0.0.1]:80", "[::1]", "example.org:80"}) {
    EXPECT_FALSE(parse_endpoint(bad).has_value()) << bad;
  }
}

TEST(Endpoint, IsWrittenAsItIsRead) {
  for (const char* text : {"127.0.0.1:80", "0.0.0.0:0", "[::1]:8000", "[::]:65535"}) {
    EXPECT_EQ(text_of(*parse_endpoint(text)), text);
  }
}

}  // namespace
}  // namespace tps::http
