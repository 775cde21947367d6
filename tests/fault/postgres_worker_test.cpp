// Workers that stop and continue, against a real server: a zombie changes nothing twice.
#include <random>

#include "domain/settlement.hpp"
#include "fault/on_postgres.hpp"

namespace tps::fault {
namespace {

constexpr int kRounds = 200;

Submission transfer(const std::string& user, std::int64_t amount) {
  Submission submission = deposit(std::nullopt, amount);
  domain::Transaction& transaction = submission.transaction;
  transaction.type = domain::Type::transfer;
  transaction.user_id = user;
  transaction.to_user_id = user == "user_1" ? "user_2" : "user_1";
  transaction.to_partition = 0;
  return submission;
}

class Workers : public OnPostgres {
 protected:
  static void submit(postgres::Store& to, std::vector<Submission> submissions) {
    for (const Acceptance outcome : append(to, submissions)) ASSERT_EQ(outcome, Acceptance::accepted);
  }

  // Settles like a live worker.
  static void settle_all(postgres::Store& worker) {
    for (const auto end = in(20s); std::chrono::steady_clock::now() < end;) {
      const auto input = worker.next(0, 100, in(5s));
      if (!input || !*input) continue;
      if ((*input)->transactions.empty()) return;
      ASSERT_TRUE(worker.record(0, domain::settle(**input, now()), in(5s)));
    }
    FAIL() << "not settled in time";
  }
};

// The zombie has read its batch and decided. Then it loses its lock, another worker settles, and the zombie tries to
// write its decision.
TEST_F(Workers, AZombieChangesNothingTwiceInTwoHundredRounds) {
  postgres::Store submitter = store();
  postgres::Store zombie = store();
  postgres::Store heir = store();
  std::mt19937 random(7);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same in every run
  for (int round = 0; round < kRounds; ++round) {
    std::vector<Submission> submissions{deposit()};
    for (std::uint32_t i = random() % 4; i > 0; --i) {
      submissions.push_back(transfer(random() % 2 == 0 ? "user_1" : "user_2", 10));
    }
    submit(submitter, std::move(submissions));
    const auto input = zombie.next(0, 100, in(5s));
    ASSERT_TRUE(input && *input && !(*input)->transactions.empty()) << round;
    const domain::SettlementOutput late = domain::settle(**input, now());
    ASSERT_EQ(sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE state = 'idle in transaction'"
                  " AND datname = current_database()"),
              "1");
    if (random() % 2 == 0) settle_all(heir);
    const auto recorded = zombie.record(0, late, in(5s));
    ASSERT_FALSE(recorded) << "the zombie wrote in round " << round;
    settle_all(heir);
  }
  EXPECT_EQ(sql("SELECT count(*) FROM settlement_log"), sql("SELECT count(*) FROM transaction_log"));
  EXPECT_EQ(sql("SELECT sum(posted) FROM accounts"), std::to_string(kRounds * 100));
  EXPECT_EQ(sql("SELECT deposits FROM totals"), std::to_string(kRounds * 100));
  EXPECT_EQ(sql("SELECT sum(version) FROM accounts"),
            sql("SELECT count(*) + count(to_account_version) FROM settlement_log WHERE status = 's'"));
}

// A worker that loses its connection between the two steps, and one that is slower than the server's timeout.
TEST_F(Workers, AWorkerWithoutItsLockCannotWrite) {
  postgres::Store submitter = store();
  postgres::Store slow = store();
  submit(submitter, {deposit()});
  const auto input = slow.next(0, 100, in(5s));
  ASSERT_TRUE(input && *input);
  // idle_in_transaction_session_timeout has taken the session by the time that another worker gets the lock.
  postgres::Store heir = store();
  settle_all(heir);
  EXPECT_FALSE(slow.record(0, domain::settle(**input, now()), in(5s)));
  EXPECT_EQ(sql("SELECT posted FROM accounts"), "100");
  settle_all(slow);
}

}  // namespace
}  // namespace tps::fault
