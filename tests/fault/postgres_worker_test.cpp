// Workers that stop and come back, against a real server: whatever a zombie still believes, nothing changes twice.
#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>
#include <vector>

#include "adapters/postgres_store.hpp"
#include "domain/settlement.hpp"
#include "ops/log.hpp"
#include "support/postgres_server.hpp"

namespace tps {
namespace {

using namespace std::chrono_literals;
using adapters::PostgresStore;
using tests::PostgresServer;

constexpr int kRounds = 200;

service::Deadline in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

domain::Timestamp now() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

domain::Submission instruction(domain::Type type, const std::string& user, std::int64_t amount) {
  domain::Submission submission;
  domain::Transaction& transaction = submission.transaction;
  transaction.type = type;
  transaction.user_id = user;
  if (type == domain::Type::transfer) transaction.to_user_id = user == "a" ? "b" : "a";
  if (type == domain::Type::transfer) transaction.to_partition = 0;
  transaction.amount_minor = amount;
  transaction.currency = "USD";
  transaction.created_by = "tester";
  return submission;
}

class Workers : public testing::Test {
 protected:
  Workers() {
    ops::set_up_log(ops::Level::error, ops::LogFormat::automatic);
    const auto migrated = adapters::migrate_postgres(options_, 1, in(30s));
    if (!migrated) throw std::runtime_error(migrated.error());
  }

  PostgresStore store() { return {options_, currencies_, metrics_}; }
  std::string sql(const std::string& statement) { return server_.query(database_, statement); }

  void submit(PostgresStore& to, std::vector<domain::Submission> submissions) {
    std::vector<domain::Submission*> flight;
    flight.reserve(submissions.size());
    for (auto& submission : submissions) flight.push_back(&submission);
    to.append(flight, now(), in(10s));
    for (const auto& submission : submissions) ASSERT_EQ(submission.acceptance, domain::Acceptance::accepted);
  }

  // What a worker that is alive does.
  void settle_all(PostgresStore& worker) {
    for (const auto end = in(20s); std::chrono::steady_clock::now() < end;) {
      const auto input = worker.next(0, 100, in(5s));
      if (!input || !*input) continue;
      if ((*input)->transactions.empty()) return;
      ASSERT_TRUE(worker.record(0, domain::settle(**input, now()), in(5s)));
    }
    FAIL() << "not settled in time";
  }

  const domain::Currencies currencies_;
  ops::Metrics metrics_;
  PostgresServer server_;
  const std::string database_ = server_.create_database();
  const adapters::PostgresOptions options_{.url = server_.url(database_)};
};

// The zombie has read its batch and decided; then its lock is taken from it, another worker settles, and it comes back
// to write what it decided.
TEST_F(Workers, AZombieChangesNothingTwiceInTwoHundredRounds) {
  PostgresStore submitter = store();
  PostgresStore zombie = store();
  PostgresStore heir = store();
  std::mt19937 random(7);
  for (int round = 0; round < kRounds; ++round) {
    std::vector<domain::Submission> submissions{instruction(domain::Type::deposit, "a", 100)};
    for (std::uint32_t i = random() % 4; i > 0; --i) {
      submissions.push_back(instruction(domain::Type::transfer, random() % 2 == 0 ? "a" : "b", 10));
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

// One that merely loses its connection between the two steps, and one that is slower than the server is patient.
TEST_F(Workers, AWorkerWithoutItsLockCannotWrite) {
  PostgresStore submitter = store();
  PostgresStore slow = store();
  submit(submitter, {instruction(domain::Type::deposit, "a", 100)});
  const auto input = slow.next(0, 100, in(5s));
  ASSERT_TRUE(input && *input);
  // idle_in_transaction_session_timeout has taken the session by the time that another worker gets the lock.
  PostgresStore heir = store();
  settle_all(heir);
  EXPECT_FALSE(slow.record(0, domain::settle(**input, now()), in(5s)));
  EXPECT_EQ(sql("SELECT posted FROM accounts"), "100");
  settle_all(slow);
}

}  // namespace
}  // namespace tps
