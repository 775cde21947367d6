#include "service/identity.hpp"

#include <gtest/gtest.h>

#include <set>

namespace tps::service {
namespace {

std::string hex(const domain::Hash128& hash) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : hash) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xF];
  }
  return text;
}

domain::Transaction deposit() {
  domain::Transaction transaction;
  transaction.user_id = "user_11";
  transaction.amount_minor = 1275;
  transaction.currency = "USD";
  return transaction;
}

domain::Transaction hold() {
  domain::Transaction transaction = deposit();
  transaction.type = domain::Type::withdrawal;
  transaction.capture = domain::Capture::manual;
  transaction.hold_expires_at = domain::Timestamp(std::chrono::seconds(60));
  return transaction;
}

domain::Transaction update() {
  domain::Transaction transaction = deposit();
  transaction.type = domain::Type::account_update;
  transaction.amount_minor = 0;
  transaction.overdraft_limit = 5;
  return transaction;
}

// These are in databases: a change here would let every old key pay twice.
TEST(Identity, HashesAreForEver) {
  EXPECT_EQ(hex(idempotency_hash("anonymous", "user_11", "key-1", std::nullopt)), "f454336c0649d67693a1fa4ed3918359");
  EXPECT_EQ(hex(content_hash(deposit())), "d4a278315aa625312d2e4a561b477f51");
  EXPECT_EQ(hex(content_hash(hold())), "6353d72e34cd1db9adbe5c374f6428ab");
  EXPECT_EQ(hex(content_hash(update())), "309facd432c8afb1f4ed12ac3b4bdbeb");
  EXPECT_EQ(partition_of("user_11", 8), 4U);
}

TEST(Identity, KeysAreApartByPrincipalUserKeyAndItem) {
  const std::set<domain::Hash128> hashes{
      idempotency_hash("p", "u", "k", std::nullopt),
      idempotency_hash("q", "u", "k", std::nullopt),
      idempotency_hash("p", "v", "k", std::nullopt),
      idempotency_hash("p", "u", "l", std::nullopt),
      idempotency_hash("p", "u", "k", 0),
      idempotency_hash("p", "u", "k", 1),
      idempotency_hash("pu", "", "k", std::nullopt),
      idempotency_hash("p", "uk", "", std::nullopt),
  };
  EXPECT_EQ(hashes.size(), 8U);
}

TEST(Identity, EveryMemberIsContent) {
  std::set<domain::Hash128> hashes{content_hash(deposit())};
  const auto with = [&](auto change) {
    domain::Transaction transaction = deposit();
    change(transaction);
    hashes.insert(content_hash(transaction));
  };
  with([](domain::Transaction& t) { t.type = domain::Type::withdrawal; });
  with([](domain::Transaction& t) { t.user_id = "user_12"; });
  with([](domain::Transaction& t) { t.to_user_id = ""; });
  with([](domain::Transaction& t) { t.to_user_id = "b"; });
  with([](domain::Transaction& t) { t.amount_minor = 1276; });
  with([](domain::Transaction& t) { t.currency = "EUR"; });
  with([](domain::Transaction& t) { t.parent_id = 1; });
  with([](domain::Transaction& t) { t.capture = domain::Capture::manual; });
  with([](domain::Transaction& t) { t.reference = "r"; });
  with([](domain::Transaction& t) { t.description = "r"; });
  with([](domain::Transaction& t) { t.metadata = "{}"; });
  EXPECT_EQ(hashes.size(), 12U);
}

TEST(Identity, WhatAHoldAndAnUpdateSayIsContent) {
  std::set<domain::Hash128> hashes{content_hash(hold()), content_hash(update())};
  const auto with = [&](domain::Transaction transaction, auto change) {
    change(transaction);
    hashes.insert(content_hash(transaction));
  };
  with(hold(), [](domain::Transaction& t) { t.hold_expires_at.reset(); });
  with(hold(), [](domain::Transaction& t) { *t.hold_expires_at += std::chrono::seconds(1); });
  with(update(), [](domain::Transaction& t) { t.overdraft_limit = 6; });
  with(update(), [](domain::Transaction& t) { t.overdraft_limit.reset(); });
  with(update(), [](domain::Transaction& t) { t.frozen = false; });
  with(update(), [](domain::Transaction& t) { t.frozen = true; });
  with(update(), [](domain::Transaction& t) { t.overdraft_limit.reset(), t.frozen = true; });
  EXPECT_EQ(hashes.size(), 9U);
}

// The time to live is content, the time that it ends is not: a retry has another.
TEST(Identity, AHoldHasOneHashBeforeAndAfterItIsAccepted) {
  domain::Transaction accepted = hold();
  accepted.id = 7;
  accepted.created_at = domain::Timestamp(std::chrono::seconds(1'000));
  *accepted.hold_expires_at += std::chrono::seconds(1'000);
  EXPECT_EQ(content_hash(accepted), content_hash(hold()));
}

TEST(Identity, OnePartitionIsPartitionZero) {
  EXPECT_EQ(partition_of("anyone", 1), 0U);
  std::set<std::uint32_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(partition_of("user_" + std::to_string(i), 8));
  EXPECT_EQ(seen.size(), 8U);
}

}  // namespace
}  // namespace tps::service
