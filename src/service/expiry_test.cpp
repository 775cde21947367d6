#include "service/expiry.hpp"

#include <gtest/gtest.h>

#include "service/identity.hpp"

namespace tps::service {
namespace {

domain::Transaction hold(std::int64_t id, const std::string& user) {
  domain::Transaction transaction;
  transaction.id = id;
  transaction.partition = 3;
  transaction.type = domain::Type::transfer;
  transaction.user_id = user;
  transaction.to_user_id = "receiver";
  transaction.amount_minor = 60;
  transaction.currency = "USD";
  transaction.capture = domain::Capture::manual;
  transaction.hold_expires_at = domain::Timestamp(std::chrono::seconds(5));
  transaction.idempotency_hash = domain::Hash128{1};
  transaction.reference = "r";
  transaction.created_by = "client";
  return transaction;
}

TEST(Expiry, IsWhatTheLedgerNeedsAndNoMore) {
  const std::vector<domain::Transaction> holds{hold(7, "a")};
  const auto submissions = expiries_of(holds);
  ASSERT_EQ(submissions.size(), 1U);
  domain::Transaction expected;
  expected.partition = 3;
  expected.type = domain::Type::expiry;
  expected.user_id = "a";
  expected.amount_minor = 60;
  expected.currency = "USD";
  expected.parent_id = 7;
  expected.created_by = "tps";
  expected.idempotency_hash = submissions[0].transaction.idempotency_hash;
  expected.content_hash = content_hash(expected);
  EXPECT_EQ(submissions[0].transaction, expected);
  EXPECT_EQ(submissions[0].group, 0U);
  EXPECT_EQ(submissions[0].acceptance, domain::Acceptance::undecided);
}

// Any number of workers submit the expiry of one hold; the log takes one.
TEST(Expiry, TwoOfOneHoldAreOneTransaction) {
  const std::vector<domain::Transaction> holds{hold(7, "a"), hold(8, "a")};
  auto submissions = expiries_of(holds);
  for (domain::Submission& again : expiries_of(holds)) submissions.push_back(std::move(again));
  std::vector<domain::Submission*> flight;
  flight.reserve(submissions.size());
  for (domain::Submission& one : submissions) flight.push_back(&one);
  domain::Existing existing;
  for (const domain::Transaction& one : holds) existing.parents.emplace(one.id, one);
  EXPECT_EQ(domain::accept(flight, existing, 10, {}, {}), 2U);
  EXPECT_EQ(flight[2]->acceptance, domain::Acceptance::replayed);
  EXPECT_EQ(flight[2]->transaction.id, flight[0]->transaction.id);
  EXPECT_EQ(flight[3]->transaction.id, flight[1]->transaction.id);
}

// The worker read the hold before the database was put back to a state in which another transaction has its id.
TEST(Expiry, IsOfTheHoldThatWasRead) {
  const std::vector<domain::Transaction> holds{hold(7, "a")};
  auto submissions = expiries_of(holds);
  domain::Existing existing;
  existing.parents.emplace(7, hold(7, "b"));
  domain::Submission* const flight[] = {&submissions.front()};
  EXPECT_EQ(domain::accept(flight, existing, 10, {}, {}), 0U);
  EXPECT_EQ(submissions.front().acceptance, domain::Acceptance::stale_parent);
}

// A client cannot take the key of an expiry: no principal is empty.
TEST(Expiry, TheKeyIsNoClients) {
  const std::vector<domain::Transaction> holds{hold(7, "a")};
  const auto key = expiries_of(holds)[0].transaction.idempotency_hash;
  EXPECT_EQ(key, idempotency_hash("", "a", "expiry 7", std::nullopt));
  EXPECT_NE(key, idempotency_hash("anonymous", "a", "expiry 7", std::nullopt));
}

TEST(Expiry, OfNothingIsNothing) { EXPECT_TRUE(expiries_of({}).empty()); }

}  // namespace
}  // namespace tps::service
