// Reversals and account updates: the rows that the store must read and write for them.
#include <gmock/gmock.h>

#include "contract/fixture.hpp"

namespace tps::contract {
namespace {

using std::chrono::seconds;

class Reversals : public StoreContract {
 protected:
  void SetUp() override {
    StoreContract::SetUp();
    submit(*store_, {deposit("a", 1'000), deposit("b", 1'000)});
    settle(*store_);
  }

  Transaction done(const Transaction& instruction) {
    const Transaction accepted = add(*store_, instruction);
    settle(*store_);
    return found(*store_, accepted.id);
  }
  std::int64_t posted(const std::string& user_id) { return balance_of(*store_, user_id).posted; }
};
TPS_ON_EVERY_STORE(Reversals);

TEST_P(Reversals, TakeBackADeposit) {
  const Transaction reversal = add(*store_, child(Type::reversal, found(*store_, 1), 300));
  EXPECT_EQ(balance_of(*store_, "a").pending, -300);
  const domain::SettlementOutput output = settle(*store_);
  EXPECT_EQ(found(*store_, reversal.id).status, Status::settled);
  EXPECT_EQ(posted("a"), 700);
  EXPECT_EQ(output.totals[0].second, (domain::Totals{.deposits = 2'000, .deposit_reversals = 300}));
  EXPECT_EQ(found(*store_, 1).status, Status::settled) << "the original stays as it is";
}

TEST_P(Reversals, BringBackAWithdrawal) {
  const Transaction withdrawn = done(withdrawal("a", 400));
  add(*store_, child(Type::reversal, withdrawn));
  EXPECT_EQ(balance_of(*store_, "a").pending, 400);
  const domain::SettlementOutput output = settle(*store_);
  EXPECT_EQ(posted("a"), 1'000);
  EXPECT_EQ(output.totals[0].second,
            (domain::Totals{.deposits = 2'000, .withdrawals = 400, .withdrawal_reversals = 400}));
}

TEST_P(Reversals, SendATransferBack) {
  const Transaction sent = done(transfer("a", "b", 400));
  add(*store_, child(Type::reversal, sent, 100));
  EXPECT_EQ(balance_of(*store_, "a").pending, 100);
  EXPECT_EQ(balance_of(*store_, "b").pending, -100);
  const domain::SettlementInput input = taken(*store_);
  EXPECT_EQ(input.accounts.at({0, "b", "USD"}).posted, 1'400) << "both sides";
  const domain::SettlementOutput output = domain::settle(input, kNow);
  ASSERT_TRUE(store_->record(0, output, soon()));
  EXPECT_EQ(output.settlements[0].to_posted_after, 1'300);
  EXPECT_EQ(output.settlements[0].to_account_version, 3);
  EXPECT_EQ(posted("a"), 700);
  EXPECT_EQ(posted("b"), 1'300);
  EXPECT_TRUE(output.totals.empty());
}

TEST_P(Reversals, BringBackCaptures) {
  const Transaction hold = done(held(withdrawal("a", 100)));
  const Transaction capture = done(child(Type::capture, hold, 80));
  const Transaction transfer_hold = done(held(transfer("a", "b", 100)));
  const Transaction transfer_capture = done(child(Type::capture, transfer_hold, 50));
  EXPECT_EQ(posted("a"), 870);
  done(child(Type::reversal, capture, 30));
  EXPECT_EQ(posted("a"), 900);
  done(child(Type::reversal, transfer_capture));
  EXPECT_EQ(posted("a"), 950);
  EXPECT_EQ(posted("b"), 1'000);
  add(*store_, deposit("a", 1));
  EXPECT_EQ(taken(*store_).totals.at("USD"),
            (domain::Totals{.deposits = 2'000, .captures = 80, .withdrawal_reversals = 30}))
      << "all five sums are kept";
}

TEST_P(Reversals, NeverExceedTheOriginalInSum) {
  const Transaction original = found(*store_, 1);
  for (const std::int64_t part : {400, 350, 200}) {
    EXPECT_EQ(done(child(Type::reversal, original, part)).status, Status::settled) << part;
  }
  submit(*store_, {child(Type::reversal, original, 51), child(Type::reversal, original, 50),
                   child(Type::reversal, original, 1)});
  EXPECT_EQ(taken(*store_).reversals, (domain::Reversals{{1, 950}}));
  settle(*store_);
  EXPECT_EQ(found(*store_, 6).failure, Failure::reversal_exceeds_original);
  EXPECT_EQ(found(*store_, 7).status, Status::settled);
  EXPECT_EQ(found(*store_, 8).failure, Failure::reversal_exceeds_original);
  EXPECT_EQ(posted("a"), 0);
  EXPECT_EQ(done(child(Type::reversal, original, 1)).failure, Failure::reversal_exceeds_original);
}

TEST_P(Reversals, AreGivenTheirParentsAsTheyStand) {
  const Transaction failed = done(withdrawal("b", 5'000));
  const Transaction hold = done(held(withdrawal("a", 10)));
  submit(*store_, {child(Type::reversal, found(*store_, 1)), child(Type::reversal, failed), child(Type::reversal, hold),
                   deposit("b", 1)});
  const Transaction original = found(*store_, 1);
  const domain::SettlementInput input = taken(*store_);
  EXPECT_EQ(input.parents, (domain::Parents{{1, original}, {failed.id, failed}, {hold.id, hold}}));
  ASSERT_TRUE(store_->record(0, domain::settle(input, kNow), soon()));
  EXPECT_EQ(found(*store_, 5).failure, Failure::insufficient_funds) << "10 are held";
  EXPECT_EQ(found(*store_, 6).failure, Failure::invalid_parent_state);
  EXPECT_EQ(found(*store_, 7).failure, Failure::invalid_parent_state);
}

TEST_P(Reversals, FindTheirParentInTheSameBatch) {
  Transaction reversal = child(Type::reversal, deposit("c", 70));
  reversal.parent_id = 3;
  Transaction of_failed = child(Type::reversal, withdrawal("d", 70));
  of_failed.parent_id = 5;
  submit(*store_, {deposit("c", 70), reversal, withdrawal("d", 70), of_failed});
  settle(*store_);
  EXPECT_EQ(found(*store_, 4).status, Status::settled);
  EXPECT_EQ(posted("c"), 0);
  EXPECT_EQ(found(*store_, 6).failure, Failure::invalid_parent_state);
}

TEST_P(Reversals, AreAddedOnlyBesideTheEntryThatTheyWereMadeFrom) {
  const Transaction parent = found(*store_, 1);
  Transaction lost = parent;  // as another history of the store had it
  lost.created_at -= seconds(1);
  Transaction beyond = parent;
  beyond.id = 99;
  std::vector<Submission> flight(4);
  for (Submission& one : flight) one.transaction = child(Type::reversal, parent, 100);
  flight[0].parent = std::make_shared<const Transaction>(lost);
  flight[1].parent = std::make_shared<const Transaction>(beyond);
  flight[2].parent = std::make_shared<const Transaction>(parent);
  flight[3].transaction = with_key(child(Type::reversal, parent, 100), 7);
  flight[3].parent = std::make_shared<const Transaction>(parent);
  std::vector<Submission*> pointers;
  for (Submission& one : flight) pointers.push_back(&one);
  store_->append(pointers, kNow, soon());
  EXPECT_THAT(verdicts_of(flight), testing::ElementsAre(Acceptance::stale_parent, Acceptance::stale_parent,
                                                        Acceptance::accepted, Acceptance::accepted));
  settle(*store_);
  EXPECT_EQ(posted("a"), 800);
}

TEST_P(Reversals, FailWithoutAParent) {
  Transaction orphan = child(Type::reversal, deposit("a", 5));
  orphan.parent_id = 99;
  EXPECT_EQ(done(orphan).failure, Failure::unprocessable);
  EXPECT_EQ(balance_of(*store_, "a").pending, 0);
}

TEST_P(Reversals, CrossPartitionsLikeTheirTransfers) {
  const auto elsewhere = GetParam().make();
  ASSERT_TRUE(elsewhere->migrate(3));
  const auto store = elsewhere->session(currencies_);
  add(*store, in(1, deposit("b", 500)));
  settle(*store, 1);
  Transaction across = in(1, transfer("b", "c", 200));
  across.to_partition = 2;
  const Transaction sent = add(*store, across);
  settle(*store, 1);
  add(*store, child(Type::reversal, sent, 150));
  EXPECT_EQ(balance_of(*store, "c", 2).pending, -150);
  settle(*store, 1);
  EXPECT_EQ(balance_of(*store, "b", 1).posted, 450);
  EXPECT_EQ(balance_of(*store, "c", 2).posted, 50);
  EXPECT_EQ(balance_of(*store, "c", 2).pending, 0);
}

using AccountUpdates = Reversals;
TPS_ON_EVERY_STORE(AccountUpdates);

TEST_P(AccountUpdates, AreKeptAsTheyWereSubmitted) {
  for (const auto& instruction : {account_update("a", 500), account_update("a", 0, true),
                                  account_update("a", std::nullopt, false), account_update("a", std::nullopt, true)}) {
    const Transaction accepted = add(*store_, instruction);
    EXPECT_EQ(found(*store_, accepted.id), accepted);
  }
}

TEST_P(AccountUpdates, ChangeWhatTheyName) {
  done(account_update("a", 500));
  EXPECT_EQ(balance_of(*store_, "a").overdraft_limit, 500);
  EXPECT_FALSE(balance_of(*store_, "a").frozen);
  done(account_update("a", std::nullopt, true));
  EXPECT_EQ(balance_of(*store_, "a").overdraft_limit, 500);
  EXPECT_TRUE(balance_of(*store_, "a").frozen);
  EXPECT_EQ(balance_of(*store_, "a").version, 3);
  EXPECT_EQ(posted("a"), 1'000);
}

TEST_P(AccountUpdates, CountFromTheNextTransactionOn) {
  submit(*store_, {withdrawal("a", 1'500), account_update("a", 500), withdrawal("a", 1'500)});
  settle(*store_);
  EXPECT_EQ(found(*store_, 3).failure, Failure::insufficient_funds);
  EXPECT_EQ(found(*store_, 5).status, Status::settled);
  EXPECT_EQ(done(withdrawal("a", 1)).failure, Failure::insufficient_funds);
  EXPECT_EQ(posted("a"), -500);

  const Transaction hold = done(held(withdrawal("b", 10)));
  done(account_update("b", std::nullopt, true));
  EXPECT_EQ(done(withdrawal("b", 1)).failure, Failure::account_frozen);
  EXPECT_EQ(done(child(Type::capture, hold)).failure, Failure::account_frozen);
  EXPECT_EQ(done(deposit("b", 1)).status, Status::settled);
  done(account_update("b", std::nullopt, false));
  EXPECT_EQ(done(child(Type::capture, hold)).status, Status::settled);
}

TEST_P(AccountUpdates, OpenAnAccount) {
  done(account_update("new", 70));
  const auto balances = balances_of(*store_, "new");
  ASSERT_EQ(balances.size(), 1);
  EXPECT_EQ(balances[0].version, 1);
  EXPECT_EQ(done(withdrawal("new", 70)).status, Status::settled);
}

}  // namespace
}  // namespace tps::contract
