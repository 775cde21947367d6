// The fixture of every contract test: one migrated store, and short functions to submit and settle.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "contract/stores.hpp"
#include "ports/store.hpp"

namespace tps::contract {

using domain::Acceptance;
using domain::Failure;
using domain::Status;
using domain::Submission;
using domain::Timestamp;
using domain::Transaction;
using domain::Type;
using ports::ListPage;
using ports::ListQuery;
using ports::Order;
using ports::Store;
using ports::StoreFault;

inline constexpr Timestamp kNow{std::chrono::microseconds(1'760'000'000'123'456)};

inline ports::Deadline soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(10); }

// Instructions, before they are submitted.
Transaction deposit(const std::string& user_id, std::int64_t amount_minor = 100, const std::string& currency = "USD");
Transaction withdrawal(const std::string& user_id, std::int64_t amount_minor, const std::string& currency = "USD");
Transaction transfer(const std::string& from, const std::string& to, std::int64_t amount_minor,
                     const std::string& currency = "USD");
Transaction account_update(const std::string& user_id, std::optional<std::int64_t> overdraft_limit,
                           std::optional<bool> frozen = std::nullopt);

// With manual capture: a hold, for so long.
Transaction held(Transaction transaction, std::chrono::seconds lives = std::chrono::hours(1));

// A capture, void, expiry or reversal of one that was accepted; all of it unless an amount is given.
Transaction child(Type type, const Transaction& parent, std::optional<std::int64_t> amount_minor = std::nullopt);

Transaction in(std::uint32_t partition, Transaction transaction);
Transaction with_key(Transaction transaction, std::uint64_t key, std::uint8_t content = 1);
Transaction with_reference(Transaction transaction, const std::string& reference);

std::vector<std::int64_t> ids_of(const std::vector<Transaction>& transactions);
std::vector<Acceptance> verdicts_of(const std::vector<Submission>& flight);

// Submits as one flight and answers the submissions; groups are given by number, 0 where none are.
std::vector<Submission> submit(Store& store, const std::vector<Transaction>& transactions,
                               const std::vector<std::uint32_t>& groups = {}, Timestamp now = kNow);

// Submits one that must be accepted.
Transaction add(Store& store, const Transaction& transaction, Timestamp now = kNow);

// Settles one batch. There must be one. Returns the recorded settlements.
domain::SettlementOutput settle(Store& store, std::uint32_t partition = 0, std::size_t max = 10'000,
                                Timestamp now = kNow);

Transaction found(Store& store, std::int64_t id);
ListPage listed(Store& store, const ListQuery& query);
std::vector<ports::Balance> balances_of(Store& store, const std::string& user_id, std::uint32_t partition = 0);

// The balance in USD; all zero when there is none.
ports::Balance balance_of(Store& store, const std::string& user_id, std::uint32_t partition = 0);

// The input of next(). There must be one; it stays open.
domain::SettlementInput taken(Store& store, std::uint32_t partition = 0, std::size_t max = 10'000);

class StoreContract : public ::testing::TestWithParam<StoreMaker> {
 protected:
  void SetUp() override { start(1); }

  void start(std::uint32_t partitions) {
    ASSERT_TRUE(test_store_->migrate(partitions));
    store_ = session();
  }

  std::unique_ptr<Store> session() { return test_store_->session(currencies_); }

  const domain::Currencies currencies_;
  const std::unique_ptr<TestStore> test_store_ = GetParam().make();
  std::unique_ptr<Store> store_;  // one session, ready from the start
};

#define TPS_ON_EVERY_STORE(fixture)                                              \
  INSTANTIATE_TEST_SUITE_P(Stores, fixture, ::testing::ValuesIn(store_makers()), \
                           [](const auto& maker) { return maker.param.name; })

// Stores with tables that a test can read and tamper with.
#define TPS_ON_EVERY_DATABASE(fixture)                                              \
  INSTANTIATE_TEST_SUITE_P(Stores, fixture, ::testing::ValuesIn(database_makers()), \
                           [](const auto& maker) { return maker.param.name; })

}  // namespace tps::contract
