#include "workload.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace tps::bench {
namespace {

// The text between `before` and the next `after`.
std::string between(std::string_view text, std::string_view before, std::string_view after) {
  const std::size_t start = text.find(before);
  if (start == std::string_view::npos) return "(absent)";
  const std::size_t from = start + before.size();
  return std::string(text.substr(from, text.find(after, from) - from));
}

void expect_framed(std::string_view request) {
  const std::size_t head = request.find("\r\n\r\n");
  ASSERT_NE(head, std::string_view::npos);
  EXPECT_EQ(between(request, "Content-Length: ", "\r\n"), std::to_string(request.size() - head - 4)) << request;
}

TEST(Workload, frames_every_post_and_varies_users_and_currencies) {
  Options options;
  options.mode = Mode::post;
  options.transfers = 20;
  Workload workload(options);
  std::set<std::string> users;
  std::set<std::string> currencies;
  for (int i = 0; i < 3000; ++i) {
    const std::string_view request = workload.next();
    expect_framed(request);
    EXPECT_EQ(between(request, "Idempotency-Key: ", "\r\n"), "(absent)");
    const std::string user = between(request, R"("user_id":")", "\"");
    EXPECT_EQ(user.size(), 11U);
    EXPECT_NE(user, between(request, "\"to_user_id\":\"", "\""));
    users.insert(user);
    currencies.insert(between(request, R"("currency":")", "\""));
  }
  EXPECT_GT(users.size(), 500U);
  EXPECT_LT(users.size(), 2500U);
  EXPECT_EQ(currencies.size(), 5U);
}

TEST(Workload, puts_the_hot_user_into_every_transaction_on_either_side) {
  for (const Mode mode : {Mode::post, Mode::batch}) {
    Options options;
    options.mode = mode;
    options.items = 1;
    options.users = 10;
    options.withdrawals = 0;
    options.transfers = 50;
    options.hot = true;
    Workload workload(options);
    int paid = 0;
    int received = 0;
    int alone = 0;
    for (int i = 0; i < 3000; ++i) {
      const std::string_view request = workload.next();
      const std::string payer = between(request, R"("user_id":")", "\"");
      const std::string receiver = between(request, R"("to_user_id":")", "\"");
      if (receiver == "(absent)") {
        EXPECT_EQ(payer, "user_000000");
        ++alone;
        continue;
      }
      EXPECT_NE(payer == "user_000000", receiver == "user_000000") << request;
      ++(payer == "user_000000" ? paid : received);
    }
    EXPECT_GT(alone, 300);
    EXPECT_GT(paid, 300);
    EXPECT_GT(received, 300);
  }
}

TEST(Workload, chooses_every_user_alike_when_asked_to) {
  Options options;
  options.mode = Mode::post;
  options.users = 4;
  options.uniform = true;
  options.transfers = 90;
  Workload workload(options);
  std::map<std::string, int> payers;
  std::map<std::string, int> receivers;
  for (int i = 0; i < 8000; ++i) {
    const std::string_view request = workload.next();
    ++payers[between(request, R"("user_id":")", "\"")];
    ++receivers[between(request, R"("to_user_id":")", "\"")];
  }
  receivers.erase("(absent)");
  EXPECT_EQ(payers.size(), 4U);
  EXPECT_EQ(receivers.size(), 4U);
  for (const auto& [user, count] : payers) EXPECT_NEAR(count, 2000, 200) << user;
  for (const auto& [user, count] : receivers) EXPECT_NEAR(count, 1800, 250) << user;
}

TEST(Workload, keeps_to_one_currency_when_asked_to) {
  Options options;
  options.mode = Mode::post;
  options.currency = "KWD";
  Workload workload(options);
  for (int i = 0; i < 1024; ++i) EXPECT_EQ(between(workload.next(), R"("currency":")", "\""), "KWD");
}

TEST(Workload, asks_for_a_path_with_and_without_a_user) {
  struct Row {
    const char* path;
    std::set<std::string> targets;
  };
  const std::vector<Row> rows = {
      {"/users/{user}/balances", {"/users/user_000000/balances", "/users/user_000001/balances"}},
      {"/users/{user}", {"/users/user_000000", "/users/user_000001"}},
      {"/users/user_000007/statement?currency=USD", {"/users/user_000007/statement?currency=USD"}},
  };
  for (const Row& row : rows) {
    Options options;
    options.mode = Mode::path;
    options.path = row.path;
    options.users = 2;
    Workload workload(options);
    std::set<std::string> targets;
    for (int i = 0; i < 200; ++i)
      targets.insert(between(workload.next(), "GET ", " HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"));
    EXPECT_EQ(targets, row.targets);
  }
}

TEST(Workload, writes_as_many_decimals_as_the_currency_has) {
  Options options;
  options.mode = Mode::post;
  Workload workload(options);
  for (int i = 0; i < 1024; ++i) {
    const std::string_view request = workload.next();
    const std::string amount = between(request, "\"amount\":", ",");
    const std::string currency = between(request, R"("currency":")", "\"");
    const std::size_t dot = amount.find('.');
    const std::size_t decimals = dot == std::string::npos ? 0 : amount.size() - dot - 1;
    EXPECT_EQ(decimals, currency == "JPY" ? 0U : currency == "KWD" ? 3U : 2U) << amount << currency;
    EXPECT_NE(amount.front(), '.');
  }
}

TEST(Workload, makes_a_fresh_key_for_each_request) {
  for (const Mode mode : {Mode::post, Mode::batch}) {
    Options options;
    options.mode = mode;
    options.items = 3;
    options.keys = true;
    Workload workload(options);
    std::set<std::string> keys;
    for (int i = 0; i < 2000; ++i) {
      const std::string key = between(workload.next(), "Idempotency-Key: ", "\r\n");
      EXPECT_EQ(key.size(), 36U);
      keys.insert(key);
    }
    EXPECT_EQ(keys.size(), 2000U);
  }
}

TEST(Workload, puts_the_items_into_batches) {
  for (const bool ndjson : {false, true}) {
    Options options;
    options.mode = Mode::batch;
    options.items = 25;
    options.ndjson = ndjson;
    Workload workload(options);
    const std::string_view request = workload.next();
    expect_framed(request);
    std::size_t items = 0;
    for (std::size_t at = request.find("\"amount\""); at != std::string_view::npos;
         at = request.find("\"amount\"", at + 1))
      ++items;
    EXPECT_EQ(items, 25U);
    EXPECT_EQ(request.ends_with("]}"), !ndjson);
  }
}

TEST(Workload, asks_for_ids_of_any_length_within_the_range) {
  Options options;
  options.mode = Mode::get;
  options.first_id = 8;
  options.last_id = 12;
  Workload workload(options);
  std::set<std::string> ids;
  for (int i = 0; i < 500; ++i) {
    const std::string_view request = workload.next();
    EXPECT_TRUE(request.ends_with("\r\n\r\n"));
    ids.insert(between(request, "GET /transactions/", " HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"));
  }
  EXPECT_EQ(ids, (std::set<std::string>{"8", "9", "10", "11", "12"}));
}

TEST(Workload, asks_for_every_id_in_turn) {
  Options options;
  options.mode = Mode::get;
  options.first_id = 9;
  options.last_id = 11;
  options.in_order = true;
  Workload workload(options);
  for (const char* id : {"9", "10", "11", "9", "10"}) {
    EXPECT_EQ(between(workload.next(), "GET /transactions/", " "), id);
  }
}

TEST(Random, long_tail_is_one_over_rank) {
  Random random(7);
  int first = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t value = random.long_tailed(1000);
    ASSERT_LT(value, 1000U);
    if (value == 0) ++first;
  }
  // ln(2) / ln(1001) = 10.03%
  EXPECT_NEAR(first, 10'034, 500);
}

}  // namespace
}  // namespace tps::bench
