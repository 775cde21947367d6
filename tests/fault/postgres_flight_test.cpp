// The rules of a flight, each against a real server that fails during the flight.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "adapters/postgres/audit.hpp"
#include "fault/on_postgres.hpp"
#include "ports/store.hpp"
#include "support/tcp_proxy.hpp"

namespace tps::fault {
namespace {

using testing::Each;
using tests::PgBouncer;
using tests::TcpProxy;
using Flight = OnPostgres;

// The name of a prepared statement in the bytes of the protocol.
const std::string kCommitOnTheWire = "commit\0"s;
const std::string kLockOnTheWire = "lock_partition\0"s;

// A session that holds the lock of partition 0, like a stopped instance.
class LockHolder {
 public:
  explicit LockHolder(const std::string& url, const std::string& table = "partitions")
      : connection_(PQconnectdb(url.c_str())) {
    PQclear(PQexec(connection_, ("BEGIN; SELECT 1 FROM " + table + " WHERE partition = 0 FOR UPDATE").c_str()));
  }
  ~LockHolder() { PQfinish(connection_); }
  LockHolder(const LockHolder&) = delete;
  LockHolder& operator=(const LockHolder&) = delete;

  bool release() {
    PGresult* result = PQexec(connection_, "COMMIT");
    const bool good = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    return good;
  }

 private:
  PGconn* connection_;
};

TEST_F(Flight, FindsOutTheFateOfALostCommitTwoHundredTimes) {
  constexpr int kRounds = 200;
  TcpProxy proxy(server().port());
  auto through_proxy = store(proxy.port());
  for (int round = 0; round < kRounds; ++round) {
    std::vector<Submission> flight{deposit(), deposit(round * 2), deposit(), deposit(round * 2 + 1)};
    proxy.harm_next(kCommitOnTheWire, TcpProxy::Harm::swallow_answer);
    ASSERT_THAT(append(through_proxy, flight), Each(Acceptance::accepted)) << "round " << round;
    for (int i = 0; i < 4; ++i) EXPECT_EQ(flight[static_cast<std::size_t>(i)].transaction.id, round * 4 + i + 1);
  }
  EXPECT_EQ(proxy.harmed(), kRounds);
  EXPECT_EQ(rows(), kRounds * 4);
  EXPECT_EQ(sql("SELECT max(id) FROM transaction_log"), std::to_string(kRounds * 4));
}

TEST_F(Flight, SaysUnavailableWhenTheCommitNeverArrived) {
  TcpProxy proxy(server().port());
  auto through_proxy = store(proxy.port());
  for (int round = 0; round < 20; ++round) {
    std::vector<Submission> flight{deposit(), deposit(round)};
    proxy.harm_next(kCommitOnTheWire, TcpProxy::Harm::cut_before);
    EXPECT_THAT(append(through_proxy, flight), Each(Acceptance::unavailable));
    EXPECT_EQ(flight[0].transaction.id, 0);
  }
  EXPECT_EQ(proxy.harmed(), 20);
  EXPECT_EQ(rows(), 0);
}

TEST_F(Flight, StartsAgainWhenTheConnectionDiesBeforeAnythingWasWritten) {
  TcpProxy proxy(server().port());
  auto through_proxy = store(proxy.port());
  proxy.harm_next(kLockOnTheWire, TcpProxy::Harm::cut_before);
  std::vector<Submission> flight{deposit(), deposit(1)};
  EXPECT_THAT(append(through_proxy, flight), Each(Acceptance::accepted));
  proxy.cut();
  std::vector<Submission> next{deposit(2)};
  EXPECT_THAT(append(through_proxy, next), Each(Acceptance::accepted));
  EXPECT_EQ(rows(), 3);
}

TEST_F(Flight, ReturnsByItsDeadlineWhenNothingAnswers) {
  TcpProxy proxy(server().port());
  auto through_proxy = store(proxy.port());
  ASSERT_TRUE(through_proxy.open(in(10s)));
  server().pause();
  std::vector<Submission> flight{deposit(), deposit(1)};
  const auto outcomes = append(through_proxy, flight, 300ms);
  server().resume();
  EXPECT_THAT(outcomes, Each(Acceptance::unavailable));
  EXPECT_EQ(rows(), 0);
}

TEST_F(Flight, SurvivesAStalledConnectionAtCommit) {
  TcpProxy proxy(server().port());
  auto through_proxy = store(proxy.port());
  proxy.harm_next(kCommitOnTheWire, TcpProxy::Harm::stall);
  std::vector<Submission> flight{deposit(), deposit(1)};
  // The whole deadline goes by in waiting for the answer, so nothing can be found out.
  EXPECT_THAT(append(through_proxy, flight, 500ms), Each(Acceptance::unknown));
  std::vector<Submission> again{deposit(1)};
  EXPECT_THAT(append(through_proxy, again), Each(Acceptance::accepted));
  EXPECT_EQ(rows(), 1);
}

TEST_F(Flight, SurvivesItsBackendBeingTerminated) {
  auto session = store();
  LockHolder holder(server().url(database_));
  std::vector<Submission> flight{deposit(), deposit(1)};
  std::vector<Acceptance> outcomes;
  std::thread flying([&] { outcomes = append(session, flight); });
  const std::string first = await(server(), waiting_for_lock());
  server().query("postgres", "SELECT pg_terminate_backend(" + first + ")");
  await(server(), waiting_for_lock() + " AND pid <> " + first);
  EXPECT_TRUE(holder.release());
  flying.join();
  EXPECT_THAT(outcomes, Each(Acceptance::accepted));
  EXPECT_EQ(rows(), 2);
}

TEST_F(Flight, AddsNothingWhenItsBackendIsCancelled) {
  auto session = store();
  LockHolder holder(server().url(database_));
  std::vector<Submission> flight{deposit(), deposit(1)};
  std::vector<Acceptance> outcomes;
  std::thread flying([&] { outcomes = append(session, flight); });
  server().query("postgres", "SELECT pg_cancel_backend(" + await(server(), waiting_for_lock()) + ")");
  flying.join();
  EXPECT_THAT(outcomes, Each(Acceptance::unavailable));
  EXPECT_TRUE(holder.release());
  EXPECT_THAT(append(session, flight = {deposit(1)}), Each(Acceptance::accepted));
  EXPECT_EQ(rows(), 1);
}

TEST_F(Flight, EndsAnInstanceThatStoppedWhileItHeldTheLock) {
  auto session = store();
  LockHolder stopped(server().url(database_));
  std::vector<Submission> flight{deposit(), deposit(1)};
  EXPECT_THAT(append(session, flight), Each(Acceptance::accepted));
  EXPECT_FALSE(stopped.release());
}

TEST_F(Flight, AcceptsANewKeyOnceThatComesTwice) {
  auto session = store();
  std::vector<Submission> flight{deposit(7), deposit(7)};
  append(session, flight);
  EXPECT_EQ(flight[0].acceptance, Acceptance::accepted);
  EXPECT_EQ(flight[1].acceptance, Acceptance::replayed);
  EXPECT_EQ(flight[1].transaction.id, flight[0].transaction.id);
  EXPECT_EQ(rows(), 1);
}

TEST_F(Flight, FailsTheCulpritAlone) {
  auto session = store();
  std::vector<Submission> flight;
  flight.reserve(33);
  for (int i = 0; i < 33; ++i) flight.push_back(deposit(i));
  flight[5].transaction.amount_minor = -1;       // refused by a CHECK
  flight[20].transaction.description = "a\0b"s;  // refused before it is sent
  flight[29].transaction.user_id = "\xC0\x80";   // refused as UTF-8
  const auto outcomes = append(session, flight);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const bool culprit = i == 5 || i == 20 || i == 29;
    EXPECT_EQ(outcomes[i], culprit ? Acceptance::unprocessable : Acceptance::accepted) << i;
  }
  EXPECT_EQ(rows(), 30);
  EXPECT_EQ(sql("SELECT max(id) FROM transaction_log"), "30");
}

TEST_F(Flight, DoesNotTearAnAtomicGroupApart) {
  auto session = store();
  std::vector<Submission> flight;
  flight.reserve(9);
  for (int i = 0; i < 9; ++i) flight.push_back(deposit(i));
  for (std::size_t i = 2; i < 7; ++i) flight[i].group = 1;
  flight[4].transaction.amount_minor = -1;
  const auto outcomes = append(session, flight);
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    EXPECT_EQ(outcomes[i] == Acceptance::accepted, i < 2 || i >= 7) << i;
  }
  EXPECT_EQ(rows(), 4);
}

// Tests that affect the whole server have a server of their own.
class FlightAlone : public Flight {
 protected:
  FlightAlone() {
    alone_.query("postgres", "CREATE DATABASE " + database_);
    migrate(alone_);
  }

  PostgresServer alone_;
};

class FlightWithStandby : public FlightAlone {
 protected:
  FlightWithStandby() { wait_for_standby("nobody"); }

  void wait_for_standby(const std::string& name) {
    alone_.query("postgres", "ALTER SYSTEM SET synchronous_standby_names = '" + name + "'");
    alone_.query("postgres", "SELECT pg_reload_conf()");
    await(alone_, "SELECT 1 WHERE current_setting('synchronous_standby_names') = '" + name + "'");
  }

  // Cancels the wait of the backend whose COMMIT waits for the standby.
  std::string cancel_wait() {
    return await(alone_,
                 "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = '" +
                     database_ + "'");
  }
};

TEST_F(FlightWithStandby, DoesNotBelieveACommitWhoseWaitWasCancelled) {
  auto session = store(alone_.port());
  std::vector<Submission> flight{deposit(), deposit(1)};
  std::vector<Acceptance> outcomes;
  std::thread flying([&] { outcomes = append(session, flight, 2s); });
  cancel_wait();
  flying.join();
  EXPECT_THAT(outcomes, Each(Acceptance::unknown));
}

TEST_F(FlightWithStandby, BelievesItOnceALaterWriteIsReplicated) {
  auto session = store(alone_.port());
  std::vector<Submission> flight{deposit(), deposit(1)};
  std::vector<Acceptance> outcomes;
  std::thread flying([&] { outcomes = append(session, flight); });
  cancel_wait();
  await(alone_, "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
  wait_for_standby("");
  flying.join();
  EXPECT_THAT(outcomes, Each(Acceptance::accepted));
  EXPECT_EQ(alone_.query(database_, "SELECT count(*) FROM transaction_log"), "2");
}

TEST_F(Flight, TakesTheLockFromAZombieThatSettles) {
  auto zombie = store();
  auto heir = store();
  std::vector<Submission> flight{deposit(), deposit(1)};
  append(zombie, flight);
  const auto stale = zombie.next(0, 10, in(10s));
  ASSERT_TRUE(stale && *stale);
  EXPECT_EQ(heir.next(0, 10, in(10s)).value(), std::nullopt);
  await(server(), "SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = '" + database_ +
                      "' AND state = 'idle in transaction')");
  const auto input = heir.next(0, 10, in(10s));
  ASSERT_TRUE(input && *input);
  EXPECT_FALSE(zombie.record(0, domain::settle(**stale, now()), in(10s)));
  EXPECT_TRUE(heir.record(0, domain::settle(**input, now()), in(10s)));
  EXPECT_EQ(sql("SELECT posted FROM accounts"), "200");
  EXPECT_EQ(sql("SELECT count(*) FROM settlement_log"), "2");
}

// No timeout of PostgreSQL covers a worker that stopped while sending. This server has no timeouts at all.
TEST_F(Flight, TakesTheLockFromAWorkerThatStopped) {
  auto heir = store();
  std::vector<Submission> flight{deposit()};
  append(heir, flight);
  LockHolder stopped(server().url(database_), "readers");
  const auto give_up = std::chrono::steady_clock::now() + 30s;
  auto input = heir.next(0, 10, in(10s));
  while (input && !*input && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::yield();
    input = heir.next(0, 10, in(10s));
  }
  ASSERT_TRUE(input && *input);
  EXPECT_TRUE(heir.record(0, domain::settle(**input, now()), in(10s)));
  EXPECT_FALSE(stopped.release());
  EXPECT_EQ(sql("SELECT count(*) FROM settlement_log"), "1");
}

TEST_F(Flight, FliesThroughPgBouncerWithoutPreparedStatements) {
  const PgBouncer bouncer(server());
  auto session = store(bouncer.port(), false);
  auto other = store(bouncer.port(), false);
  ASSERT_TRUE(session.open(in(10s)));
  for (int round = 0; round < 5; ++round) {
    std::vector<Submission> flight{deposit(), deposit(round)};
    EXPECT_THAT(append(round % 2 == 0 ? session : other, flight), Each(Acceptance::accepted));
  }
  const auto input = other.next(0, 100, in(10s));
  ASSERT_TRUE(input && *input);
  EXPECT_EQ((*input)->transactions.size(), 10U);
  ASSERT_TRUE(other.record(0, domain::settle(**input, now()), in(10s)));
  const auto found = session.find(std::vector<std::int64_t>{1, 10}, in(10s));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->at(1).value().status, domain::Status::settled);
  EXPECT_EQ(session.list({}, in(10s)).value().transactions.size(), 10U);
  EXPECT_EQ(session.balances(0, "user_1", in(10s)).value().at(0).posted, 1000);
  EXPECT_EQ(session.balances_at(0, "user_1", now(), in(10s)).value().at(0).posted, 1000);
  const ports::StatementQuery query{.partition = 0, .user_id = "user_1", .currency = "USD"};
  EXPECT_EQ(session.statement(query, in(10s)).value().entries.size(), 10U);
  EXPECT_TRUE(session.expired_holds(0, now(), {}, 10, in(10s)).value().holds.empty());
  postgres::Audit audit({.url = PostgresServer::url(database_, bouncer.port()), .prepared_statements = false},
                        currencies_, metrics_);
  EXPECT_EQ(audit.entries(0, 0, 100, in(10s)).value().size(), 10U);
  EXPECT_EQ(audit.accounts(std::nullopt, 100, in(10s)).value().rows.size(), 1U);
  EXPECT_EQ(audit.orphans(0, in(10s)).value(), 0);
}

TEST_F(FlightAlone, GoesOnAsSoonAsAnySessionHasReachedTheServer) {
  const postgres::Options options{.url = alone_.url(database_)};
  postgres::Store lane(options, currencies_, metrics_);
  postgres::Store readiness(options, currencies_, metrics_);
  alone_.stop();
  // Until it pauses for half a second and more.
  for (const auto enough = in(3s); std::chrono::steady_clock::now() < enough; std::this_thread::sleep_for(1ms)) {
    EXPECT_FALSE(lane.open(in(1s)));
  }
  alone_.start();
  while (!readiness.ping(in(10s))) std::this_thread::sleep_for(1ms);
  std::vector<Submission> flight{deposit()};
  EXPECT_THAT(append(lane, flight), Each(Acceptance::accepted));
}

TEST_F(Flight, GoesOnWhenAnotherSessionReachedTheServerDuringAnAttemptThatHung) {
  TcpProxy proxy(server().port());
  const postgres::Options options{.url = PostgresServer::url(database_, proxy.port())};
  postgres::Options direct = options;
  direct.url = PostgresServer::url(database_, server().port());
  postgres::Store readiness(direct, currencies_, metrics_);
  // On a busy machine the attempt may end first.
  for (bool in_time = false; !in_time;) {
    postgres::Store lane(options, currencies_, metrics_);
    const int harmed = proxy.harmed();
    proxy.harm_next("user", TcpProxy::Harm::stall);
    std::atomic<bool> ended = false;
    std::thread hanging([&] {
      EXPECT_FALSE(lane.open(in(10s)));
      ended = true;
    });
    while (proxy.harmed() == harmed) std::this_thread::yield();
    EXPECT_TRUE(readiness.open(in(10s)));
    in_time = !ended;
    hanging.join();
    if (in_time) {
      EXPECT_TRUE(lane.open(in(10s)));
    }
  }
}

// Each client retries its key until it has an answer. Afterwards the log has each key once.
TEST_F(FlightAlone, LosesAndDoublesNothingWhenTheServerCrashes) {
  constexpr int kClients = 3;
  std::atomic<int> next_key = 0;
  std::atomic<bool> enough = false;
  std::array<std::map<int, std::int64_t>, kClients> acknowledged;
  std::vector<std::thread> clients;
  clients.reserve(kClients);
  for (auto& mine : acknowledged) {
    clients.emplace_back([&] {
      auto session = store(alone_.port());
      while (!enough) {
        const int key = next_key++;
        for (const auto give_up = in(60s); std::chrono::steady_clock::now() < give_up;) {
          std::vector<Submission> flight{deposit(key), deposit(key + 1'000'000)};
          append(session, flight, 3s);
          const bool good =
              flight[0].acceptance == Acceptance::accepted || flight[0].acceptance == Acceptance::replayed;
          if (good) mine[key] = flight[0].transaction.id;
          if (good) break;
          std::this_thread::sleep_for(10ms);
        }
      }
    });
  }
  for (int crash = 1; crash <= 3; ++crash) {
    while (next_key < crash * 100) std::this_thread::sleep_for(5ms);
    alone_.restart();
  }
  while (next_key < 400) std::this_thread::sleep_for(5ms);
  enough = true;
  for (std::thread& client : clients) client.join();

  std::size_t keys = 0;
  for (const auto& mine : acknowledged) {
    keys += mine.size();
    for (const auto& [key, id] : mine) {
      EXPECT_EQ(alone_.query(database_, "SELECT count(*) FROM transaction_log WHERE id = " + std::to_string(id)), "1");
    }
  }
  EXPECT_EQ(keys, static_cast<std::size_t>(next_key));
  EXPECT_EQ(alone_.query(database_, "SELECT count(*) FROM transaction_log"), std::to_string(keys * 2));
  EXPECT_EQ(alone_.query(database_, "SELECT max(id) FROM transaction_log"), std::to_string(keys * 2));
}

}  // namespace
}  // namespace tps::fault
