#include "options.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tps::bench {
namespace {

std::expected<Options, std::string> parse(std::vector<const char*> arguments) { return parse_options(arguments); }

TEST(Options, refuse_what_is_out_of_bounds) {
  const std::vector<std::vector<const char*>> rows = {
      {},
      {"delete"},
      {"post", "--address", "192.0.2.1:80"},
      {"post", "--address", "0.0.0.0:80"},
      {"post", "--address", "example.org:80"},
      {"post", "--address", "127.0.0.1"},
      {"post", "--address", "127.0.0.1:0"},
      {"post", "--connections", "0"},
      {"post", "--connections", "10001"},
      {"post", "--connections", "1x"},
      {"post", "--connections"},
      {"post", "--seconds", "601"},
      {"post", "--seconds", "nan"},
      {"post", "--rate", "2000000"},
      {"post", "--patience", "-1"},
      {"post", "--count", "5", "--rate", "5"},
      {"post", "--withdrawals", "60", "--transfers", "60"},
      {"get", "--ids", "0-5"},
      {"get", "--ids", "9-5"},
      {"post", "--currency", "XYZ"},
      {"post", "--path", "/health"},
      {"path"},
      {"path", "--path", "users"},
      {"path", "--path", "/two words"},
      {"path", "--path", "/a\r\nX: y"},
      {"post", "--unknown", "1"},
  };
  for (const auto& row : rows) EXPECT_FALSE(parse(row)) << (row.empty() ? "" : row.back());
}

TEST(Options, read_the_rest) {
  const auto options = parse({"get", "--address", "localhost:8123", "--ids", "5-90", "--zipf", "--connections", "7"});
  ASSERT_TRUE(options) << options.error();
  EXPECT_EQ(options->mode, Mode::get);
  EXPECT_EQ(options->host, "127.0.0.1");
  EXPECT_EQ(options->port, 8123);
  EXPECT_EQ(options->first_id, 5);
  EXPECT_EQ(options->last_id, 90);
  EXPECT_TRUE(options->zipf);
  EXPECT_EQ(options->connections, 7U);

  const auto transfers = parse({"post", "--hot", "--uniform", "--currency", "EUR", "--transfers", "90"});
  ASSERT_TRUE(transfers) << transfers.error();
  EXPECT_TRUE(transfers->hot);
  EXPECT_TRUE(transfers->uniform);
  EXPECT_EQ(transfers->currency, "EUR");
  const auto path = parse({"path", "--path", "/users/{user}/balances"});
  ASSERT_TRUE(path) << path.error();
  EXPECT_EQ(path->path, "/users/{user}/balances");
}

}  // namespace
}  // namespace tps::bench
