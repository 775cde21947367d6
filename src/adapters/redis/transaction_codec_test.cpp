#include "adapters/redis/transaction_codec.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <random>
#include <utility>
#include <vector>

namespace tps::redis {
namespace {

using domain::Timestamp;
using domain::Transaction;
using std::chrono::microseconds;

Transaction smallest() {
  Transaction transaction;
  transaction.id = 1;
  transaction.created_at = Timestamp{microseconds{1'700'000'000'123'456}};
  transaction.user_id = "user_11";
  transaction.amount_minor = 1275;
  transaction.currency = "USD";
  transaction.created_by = "anonymous";
  return transaction;
}

Transaction fullest() {
  Transaction transaction = smallest();
  transaction.id = domain::id_before_first(255) + 7;
  transaction.partition = 255;
  transaction.type = domain::Type::transfer;
  transaction.to_user_id = std::string("z\0\xff", 3);
  transaction.to_partition = 3;
  transaction.parent_id = 42;
  transaction.capture = domain::Capture::manual;
  transaction.hold_expires_at = Timestamp{microseconds{-1}};
  transaction.overdraft_limit = std::numeric_limits<std::int64_t>::max();
  transaction.frozen = true;
  transaction.idempotency_hash.emplace().fill(0xAB);
  transaction.content_hash.emplace().fill(0xCD);
  transaction.reference = "";
  transaction.description = std::string(1000, 'd');
  transaction.metadata = R"({"k":"v"})";
  transaction.status = domain::Status::failed;
  transaction.failure = domain::Failure::unprocessable;
  transaction.settled_at = Timestamp{microseconds{std::numeric_limits<std::int64_t>::max()}};
  return transaction;
}

std::string encoded(const Transaction& transaction) {
  std::string bytes;
  encode_transaction(transaction, bytes);
  return bytes;
}

TEST(TransactionCodec, GivesBackEveryMember) {
  const std::pair<const char*, std::function<void(Transaction&)>> cases[] = {
      {"as it is", [](Transaction&) {}},
      {"amount", [](Transaction& t) { t.amount_minor = std::numeric_limits<std::int64_t>::min(); }},
      {"type", [](Transaction& t) { t.type = domain::Type::account_update; }},
      {"status", [](Transaction& t) { t.status = domain::Status::expired; }},
      {"to_user_id", [](Transaction& t) { t.to_user_id = "other"; }},
      {"to_partition", [](Transaction& t) { t.to_partition = 9; }},
      {"parent_id", [](Transaction& t) { t.parent_id = 5; }},
      {"hold_expires_at", [](Transaction& t) { t.hold_expires_at = t.created_at; }},
      {"overdraft_limit", [](Transaction& t) { t.overdraft_limit = 0; }},
      {"frozen", [](Transaction& t) { t.frozen = false; }},
      {"idempotency_hash", [](Transaction& t) { t.idempotency_hash.emplace().fill(1); }},
      {"content_hash", [](Transaction& t) { t.content_hash.emplace().fill(2); }},
      {"reference", [](Transaction& t) { t.reference = "r"; }},
      {"description", [](Transaction& t) { t.description = "d"; }},
      {"metadata", [](Transaction& t) { t.metadata = "{}"; }},
      {"failure", [](Transaction& t) { t.failure = domain::Failure::insufficient_funds; }},
      {"settled_at", [](Transaction& t) { t.settled_at = t.created_at; }},
  };
  for (const auto& [name, change] : cases) {
    for (Transaction transaction : {smallest(), fullest()}) {
      change(transaction);
      EXPECT_EQ(decode_transaction(encoded(transaction)), transaction) << name;
    }
  }
}

TEST(TransactionCodec, RefusesEveryTruncation) {
  const std::string bytes = encoded(fullest());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    // A copy of its own size, so that the address sanitizer sees a read beyond it.
    const std::vector<char> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(decode_transaction({cut.data(), cut.size()})) << size;
  }
}

TEST(TransactionCodec, RefusesWhatFollows) {
  EXPECT_FALSE(decode_transaction(encoded(fullest()) + '\0'));
  EXPECT_FALSE(decode_transaction(encoded(smallest()) + encoded(smallest())));
}

TEST(TransactionCodec, RefusesOtherVersionsFlagsAndEnumerators) {
  const std::string good = encoded(smallest());
  const std::size_t type_at = 1 + 2 + 8 + 8 + 4;
  const std::size_t capture_at = type_at + 1 + (4 + 7) + 8 + (4 + 3);
  const std::size_t status_at = good.size() - 1;
  struct Case {
    const char* name;
    std::size_t at;
    char byte;
  };
  const Case cases[] = {
      {"version 0", 0, 0},
      {"version 1", 0, 1},
      {"version 3", 0, 3},
      {"a flag that is not there", 2, '\x20'},
      {"unknown type", type_at, 8},
      {"type 255", type_at, -1},
      {"unknown capture", capture_at, 2},
      {"unknown status", status_at, 6},
  };
  ASSERT_TRUE(decode_transaction(good));
  for (const auto& [name, at, byte] : cases) {
    std::string bytes = good;
    bytes[at] = byte;
    EXPECT_FALSE(decode_transaction(bytes)) << name;
  }
  std::string unknown_failure = encoded(fullest());
  unknown_failure.back() = 7;
  EXPECT_FALSE(decode_transaction(unknown_failure)) << "failure";
}

TEST(TransactionCodec, RefusesLengthsBeyondTheEnd) {
  std::string bytes = encoded(smallest());
  const std::size_t length_of_user_id_at = 1 + 2 + 8 + 8 + 4 + 1;
  for (std::size_t i = 0; i < 4; ++i) bytes[length_of_user_id_at + i] = '\xff';
  EXPECT_FALSE(decode_transaction(bytes));
}

TEST(TransactionCodec, TakesOnlyTheOneEncodingOfWhatItGives) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string good = encoded(fullest());
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = good;
    bytes[random() % bytes.size()] = static_cast<char>(random());
    const auto transaction = decode_transaction(bytes);
    if (!transaction) continue;
    ++accepted;
    ASSERT_EQ(encoded(*transaction), bytes);
  }
  EXPECT_GT(accepted, 0);
}

}  // namespace
}  // namespace tps::redis
