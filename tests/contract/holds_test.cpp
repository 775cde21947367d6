// Holds through their whole life: the fields of an authorized transaction, and every way to end it.
#include <gmock/gmock.h>

#include "contract/fixture.hpp"
#include "ports/store.hpp"

namespace tps::contract {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Holds : public StoreContract {
 protected:
  void SetUp() override {
    StoreContract::SetUp();
    add(*store_, deposit("a", 1'000));
    settle(*store_);
  }

  // Accepts and settles one by one; answers the last.
  Transaction done(const Transaction& instruction, Timestamp now = kNow) {
    const Transaction accepted = add(*store_, instruction, now);
    settle(*store_, 0, 100, now);
    return found(*store_, accepted.id);
  }
  void expect_balance(std::int64_t posted, std::int64_t held_minor, const std::string& user_id = "a") {
    const ports::Balance balance = balance_of(*store_, user_id);
    EXPECT_EQ(balance.posted, posted) << user_id;
    EXPECT_EQ(balance.held, held_minor) << user_id;
    EXPECT_EQ(balance.available, posted - held_minor) << user_id;
    EXPECT_EQ(balance.pending, 0) << user_id;
  }
  std::vector<std::int64_t> with_status(Status status) {
    return ids_of(listed(*store_, {.status = status}).transactions);
  }
};
TPS_ON_EVERY_STORE(Holds);

TEST_P(Holds, AreAuthorizedAndStayOpen) {
  const Transaction pending = add(*store_, held(withdrawal("a", 300)));
  EXPECT_EQ(pending.hold_expires_at, kNow + hours(1));
  expect_balance(1'000, 0);
  settle(*store_, 0, 100, kNow + seconds(1));
  const Transaction hold = found(*store_, pending.id);
  EXPECT_EQ(hold.status, Status::authorized);
  EXPECT_EQ(hold.settled_at, std::nullopt) << "it is not over";
  EXPECT_EQ(hold.failure, std::nullopt);
  expect_balance(1'000, 300);
  EXPECT_THAT(with_status(Status::authorized), ElementsAre(hold.id));
  EXPECT_THAT(with_status(Status::settled), ElementsAre(1));
  EXPECT_EQ(listed(*store_, {.limit = 1}).transactions[0], hold);
}

TEST_P(Holds, CountAtOnce) {
  submit(*store_, {held(withdrawal("a", 600)), held(withdrawal("a", 401)), withdrawal("a", 401), withdrawal("a", 400)});
  settle(*store_);
  EXPECT_EQ(found(*store_, 3).failure, Failure::insufficient_funds);
  EXPECT_EQ(found(*store_, 3).settled_at, kNow) << "that one is over";
  EXPECT_EQ(found(*store_, 4).failure, Failure::insufficient_funds);
  EXPECT_EQ(found(*store_, 5).status, Status::settled);
  expect_balance(600, 600);
}

TEST_P(Holds, AreGivenToWhatEndsThem) {
  const Transaction hold = done(held(withdrawal("a", 300)));
  submit(*store_, {child(Type::capture, hold, 120), child(Type::void_, hold), child(Type::expiry, hold),
                   child(Type::capture, found(*store_, 1))});
  const domain::SettlementInput input = taken(*store_);
  const domain::Hold expected{.transaction_id = hold.id,
                              .user_id = "a",
                              .currency = "USD",
                              .held_minor = 300,
                              .captured_minor = 0,
                              .status = Status::authorized,
                              .expires_at = kNow + hours(1),
                              .closed_by = std::nullopt,
                              .closed_at = std::nullopt};
  EXPECT_EQ(input.holds, (domain::Holds{{hold.id, expected}}));
  const auto output = domain::settle(input, kNow + seconds(7));
  ASSERT_TRUE(store_->record(0, output, soon()));

  domain::Hold closed = expected;
  closed.captured_minor = 120;
  closed.status = Status::settled;
  closed.closed_by = hold.id + 1;
  closed.closed_at = kNow + seconds(7);
  add(*store_, child(Type::capture, hold, 1));
  EXPECT_EQ(taken(*store_).holds, (domain::Holds{{hold.id, closed}}));
}

TEST_P(Holds, EndInEveryWay) {
  struct Case {
    const char* name;
    std::int64_t amount;
    std::int64_t posted;
    Type type;
    Status end;
  };
  const Case cases[] = {
      {"all of it", 100, -100, Type::capture, Status::settled},
      {"a part, the rest released", 30, -30, Type::capture, Status::settled},
      {"void", 100, 0, Type::void_, Status::voided},
      {"expiry", 100, 0, Type::expiry, Status::expired},
  };
  std::int64_t posted = 1'000;
  Timestamp now = kNow;
  for (const bool in_one_batch : {false, true}) {
    for (const Case& each : cases) {
      SCOPED_TRACE(std::string(each.name) + (in_one_batch ? ", in one batch" : ""));
      const Transaction hold = add(*store_, held(withdrawal("a", 100)), now);
      if (!in_one_batch) settle(*store_, 0, 100, now);
      now += seconds(5);
      const Transaction end = add(*store_, child(each.type, hold, each.amount), now);
      settle(*store_, 0, 100, now);
      posted += each.posted;
      const Transaction over = found(*store_, hold.id);
      EXPECT_EQ(over.status, each.end);
      EXPECT_EQ(over.settled_at, now);
      EXPECT_EQ(found(*store_, end.id).status, Status::settled);
      EXPECT_EQ(found(*store_, end.id).settled_at, now);
      EXPECT_EQ(listed(*store_, {.limit = 2}).transactions[1], over);
      expect_balance(posted, 0);
    }
  }
  EXPECT_THAT(with_status(Status::authorized), IsEmpty());
  EXPECT_THAT(with_status(Status::voided), ElementsAre(14, 6));
  EXPECT_THAT(with_status(Status::expired), ElementsAre(16, 8));
  EXPECT_THAT(
      ids_of(listed(*store_, {.user_id = "a", .status = Status::voided, .order = Order::oldest_first}).transactions),
      ElementsAre(6, 14));
}

TEST_P(Holds, EndOnlyOnce) {
  for (const bool in_one_batch : {false, true}) {
    const Transaction hold = done(held(withdrawal("a", 100)));
    const Transaction first = add(*store_, child(Type::capture, hold, 40));
    if (!in_one_batch) settle(*store_);
    std::vector<std::int64_t> late;
    for (const Type type : {Type::capture, Type::void_, Type::expiry}) {
      late.push_back(add(*store_, child(type, hold, 10)).id);
    }
    settle(*store_);
    EXPECT_EQ(found(*store_, first.id).status, Status::settled);
    for (const std::int64_t id : late) EXPECT_EQ(found(*store_, id).failure, Failure::invalid_parent_state);
    EXPECT_EQ(found(*store_, hold.id).status, Status::settled);
  }
  expect_balance(920, 0);
}

TEST_P(Holds, AreNotCapturedFromTheTimeTheyExpire) {
  const Transaction hold = done(held(withdrawal("a", 100), seconds(60)));
  const Transaction late = done(child(Type::capture, hold, 1), kNow + seconds(60));
  EXPECT_EQ(late.failure, Failure::invalid_parent_state);
  EXPECT_EQ(found(*store_, hold.id).status, Status::authorized) << "until its expiry is settled";
  expect_balance(1'000, 100);
  EXPECT_EQ(done(child(Type::expiry, hold), kNow + seconds(61)).status, Status::settled);
  EXPECT_EQ(found(*store_, hold.id).status, Status::expired);
  expect_balance(1'000, 0);
}

TEST_P(Holds, AreNotExceeded) {
  const Transaction hold = done(held(withdrawal("a", 100)));
  EXPECT_EQ(done(child(Type::capture, hold, 101)).failure, Failure::capture_exceeds_hold);
  expect_balance(1'000, 100);
}

TEST_P(Holds, ThatFailedCannotBeCaptured) {
  const Transaction hold = done(held(withdrawal("a", 1'001)));
  EXPECT_EQ(hold.failure, Failure::insufficient_funds);
  EXPECT_EQ(hold.settled_at, kNow);
  add(*store_, child(Type::capture, hold));
  EXPECT_TRUE(taken(*store_).holds.empty());
  settle(*store_);
  EXPECT_EQ(found(*store_, 3).failure, Failure::invalid_parent_state);
}

TEST_P(Holds, OfATransferReachTheReceiverWhenCaptured) {
  const Transaction pending = add(*store_, held(transfer("a", "b", 100)));
  EXPECT_EQ(balance_of(*store_, "b").pending, 0);
  EXPECT_EQ(settle(*store_).settlements[0].to_account_version, std::nullopt);
  EXPECT_THAT(balances_of(*store_, "b"), IsEmpty()) << "nothing has touched it";
  expect_balance(1'000, 100);

  add(*store_, child(Type::capture, pending, 70));
  EXPECT_EQ(balance_of(*store_, "a").pending, -70);
  EXPECT_EQ(balance_of(*store_, "b").pending, 70);
  const domain::Settlement capture = settle(*store_).settlements[0];
  EXPECT_EQ(capture.to_posted_after, 70);
  EXPECT_EQ(capture.to_account_version, 1);
  expect_balance(930, 0);
  expect_balance(70, 0, "b");

  const Transaction voided = done(held(transfer("a", "b", 100)));
  done(child(Type::void_, voided));
  EXPECT_EQ(found(*store_, voided.id).status, Status::voided);
  expect_balance(930, 0);
  expect_balance(70, 0, "b");
}

TEST_P(Holds, AreReplayedAsTheyStand) {
  const Transaction hold = done(with_key(held(withdrawal("a", 100)), 1));
  EXPECT_EQ(submit(*store_, {with_key(held(withdrawal("a", 100)), 1)})[0].transaction, hold);
  done(child(Type::void_, hold), kNow + seconds(1));
  const auto again = submit(*store_, {with_key(held(withdrawal("a", 100)), 1)});
  EXPECT_EQ(again[0].acceptance, Acceptance::replayed);
  EXPECT_EQ(again[0].transaction.status, Status::voided);
  EXPECT_EQ(again[0].transaction.settled_at, kNow + seconds(1));
}

TEST_P(Holds, AreListedAsPendingUntilTheyAreSettled) {
  const Transaction hold = add(*store_, held(withdrawal("c", 100)));
  EXPECT_THAT(with_status(Status::pending), ElementsAre(hold.id));
  EXPECT_THAT(with_status(Status::authorized), IsEmpty());
  const auto balances = balances_of(*store_, "c");
  ASSERT_EQ(balances.size(), 1) << "a currency with only pending transactions is there too";
  EXPECT_EQ(balances[0].pending, 0);
}

TEST_P(Holds, OutliveARestart) {
  const Transaction hold = done(held(withdrawal("a", 100)));
  store_.reset();
  test_store_->reopen();
  store_ = session();
  EXPECT_EQ(found(*store_, hold.id), hold);
  EXPECT_EQ(done(child(Type::capture, hold)).status, Status::settled);
  expect_balance(900, 0);
}

using HoldsInADatabase = Holds;
TPS_ON_EVERY_DATABASE(HoldsInADatabase);

TEST_P(HoldsInADatabase, AreShownToPeople) {
  const Transaction hold = done(held(withdrawal("a", 100)));
  const auto cell = [&](const std::string& column) {
    return test_store_->sql("SELECT " + column + " FROM transactions WHERE id = " + std::to_string(hold.id))
        .value_or("error");
  };
  EXPECT_EQ(cell("status"), "authorized");
  EXPECT_EQ(cell("settled_at"), "");
  EXPECT_EQ(cell("capture"), "manual");
  done(child(Type::void_, hold), kNow + seconds(1));
  EXPECT_EQ(cell("status"), "voided");
  EXPECT_THAT(cell("settled_at"), ::testing::MatchesRegex("2025-10-09.08:53:21.123456.*"));
}

}  // namespace
}  // namespace tps::contract
