#include "reply.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tps::bench {
namespace {

TEST(ParseHead, refuses_what_it_cannot_bound) {
  const struct {
    const char* why;
    std::string_view text;
    Parse expected;
  } rows[] = {
      {"nothing", "", Parse::incomplete},
      {"half a head", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", Parse::incomplete},
      {"not HTTP", "SSH-2.0-server\r\n\r\n", Parse::malformed},
      {"no status", "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n", Parse::malformed},
      {"bare line feed", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", Parse::malformed},
      {"no length", "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n", Parse::malformed},
      {"bad length", "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n", Parse::malformed},
      {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Parse::malformed},
      {"no body", "HTTP/1.1 204 No Content\r\n\r\n", Parse::complete},
      {"any case", "HTTP/1.1 200 OK\r\ncontent-LENGTH:2\r\n\r\nhi", Parse::complete},
  };
  for (const auto& row : rows) {
    Head head;
    EXPECT_EQ(parse_head(row.text, head), row.expected) << row.why;
  }
}

TEST(ParseHead, reads_what_a_created_transaction_says) {
  const std::string text =
      "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nLocation: /transactions/35184372088833\r\n"
      "Connection: close\r\nContent-Length: 7\r\n\r\n{\"a\":1}";
  Head head;
  ASSERT_EQ(parse_head(text, head), Parse::complete);
  EXPECT_EQ(head.status, 201);
  EXPECT_EQ(head.location_id, 35184372088833);
  EXPECT_EQ(head.body_bytes, 7U);
  EXPECT_EQ(head.head_bytes + head.body_bytes, text.size());
  EXPECT_TRUE(head.close);
}

TEST(ParseHead, forgets_the_answer_before) {
  Head head;
  ASSERT_EQ(
      parse_head("HTTP/1.1 201 C\r\nLocation: /transactions/5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", head),
      Parse::complete);
  ASSERT_EQ(parse_head("HTTP/1.1 503 S\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", head), Parse::complete);
  EXPECT_EQ(head.location_id, 0);
  EXPECT_FALSE(head.close);
  EXPECT_TRUE(head.retry_after);
  ASSERT_EQ(parse_head("HTTP/1.1 503 S\r\nContent-Length: 0\r\n\r\n", head), Parse::complete);
  EXPECT_FALSE(head.retry_after);
}

TEST(CollectIds, finds_ids_and_nothing_else) {
  std::vector<std::int64_t> ids;
  collect_ids(R"({"results":[{"transaction":{"id":7,"user_id":"9"}},{"problem":{}},{"transaction":{"id": 12}}]})", ids);
  EXPECT_EQ(ids, (std::vector<std::int64_t>{7, 12}));
}

}  // namespace
}  // namespace tps::bench
