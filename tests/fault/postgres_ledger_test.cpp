// The ledger on PostgreSQL: unusual rows and query plans must not stop or slow a client or the worker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "adapters/postgres/audit.hpp"
#include "fault/on_postgres.hpp"
#include "ports/store.hpp"

namespace tps::fault {
namespace {

using testing::Each;
using Ledger = OnPostgres;

// A newer instance has migrated the database while this one was connected: what it writes now may mean something that
// this one does not know.
TEST_F(Ledger, StopsSettlingWhenTheSchemaHasBecomeNewer) {
  auto session = store();
  std::vector<Submission> flight{deposit(), deposit()};
  append(session, flight);
  const auto first = session.next(0, 1, in(10s));
  ASSERT_TRUE(first && *first);
  EXPECT_TRUE(session.record(0, domain::settle(**first, now()), in(10s)));
  sql("UPDATE store SET schema = 99, min_binary = 99");
  const auto refused = session.next(0, 10, in(10s));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ports::StoreFault::Kind::incompatible);
  EXPECT_EQ(sql("SELECT count(*) FROM settlement_log"), "1");
  sql("UPDATE store SET min_binary = 1");  // newer, but this one may go on
  const auto second = session.next(0, 10, in(10s));
  ASSERT_TRUE(second && *second);
  EXPECT_TRUE(session.record(0, domain::settle(**second, now()), in(10s)));
}

TEST_F(Ledger, LeavesOutParentsThatCannotBeRead) {
  auto session = store();
  std::vector<Submission> flight{deposit(), deposit(), deposit()};
  flight[1].transaction.type = domain::Type::withdrawal;
  flight[1].transaction.capture = domain::Capture::manual;
  flight[1].transaction.hold_expires_at = domain::Timestamp(1h);
  append(session, flight);
  const auto first = session.next(0, 10, in(10s));
  ASSERT_TRUE(first && *first);
  EXPECT_TRUE(session.record(0, domain::settle(**first, now()), in(10s)));
  sql("UPDATE holds SET status = 'z'");
  sql("ALTER TABLE transaction_log DISABLE TRIGGER append_only; UPDATE transaction_log SET type = 'z' WHERE id = 1");
  std::vector<Submission> children{deposit(), deposit(), deposit()};
  const std::vector<domain::Type> types{domain::Type::reversal, domain::Type::capture, domain::Type::reversal};
  for (std::size_t i = 0; i < children.size(); ++i) {
    children[i].transaction.type = types[i];
    children[i].transaction.parent_id = static_cast<std::int64_t>(i) + 1;
  }
  append(session, children);
  const auto input = session.next(0, 10, in(10s));
  ASSERT_TRUE(input && *input);
  const domain::SettlementOutput output = domain::settle(**input, now());
  EXPECT_EQ(output.settlements[0].failure, domain::Failure::unprocessable);
  EXPECT_EQ(output.settlements[1].failure, domain::Failure::invalid_parent_state);
  EXPECT_EQ(output.settlements[2].failure, std::nullopt);
  EXPECT_TRUE(session.record(0, output, in(10s)));
}

TEST_F(Ledger, GoesOnAfterAValueThatTheDatabaseRefusesToRecord) {
  auto session = store();
  std::vector<Submission> flight{deposit()};
  append(session, flight);
  const auto input = session.next(0, 10, in(10s));
  ASSERT_TRUE(input && *input);
  domain::SettlementOutput output = domain::settle(**input, now());
  output.accounts.front().first.currency = "\xC0\x80";
  const std::string backend =
      sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'tps' AND datname = '" + database_ + "'");
  const auto refused = session.record(0, output, in(10s));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ports::StoreFault::Kind::refused);
  EXPECT_EQ(sql("SELECT count(*) FROM settlement_log"), "0");
  const auto again = session.next(0, 10, in(10s));
  ASSERT_TRUE(again && *again);
  EXPECT_TRUE(session.record(0, domain::settle(**again, now()), in(10s)));
  EXPECT_EQ(sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'tps' AND datname = '" + database_ + "'"),
            backend)
      << "on the same connection";
}

// Statements are planned while the log is empty. When it has grown a lot, without any ANALYZE, they must still go to
// their rows by index.
TEST_F(Ledger, KeepsItsPlansGoodWhileTheLogGrows) {
  sql("ALTER TABLE transaction_log SET (autovacuum_enabled = false)");
  sql("ALTER TABLE settlement_log SET (autovacuum_enabled = false)");
  auto session =
      std::make_unique<postgres::Store>(postgres::Options{.url = server().url(database_)}, currencies_, metrics_);
  auto audit =
      std::make_unique<postgres::Audit>(postgres::Options{.url = server().url(database_)}, currencies_, metrics_);
  const auto use_everything = [&](int key) {
    std::vector<Submission> flight{deposit(key), deposit()};
    flight[1].transaction.reference = "r" + std::to_string(key);
    EXPECT_THAT(append(*session, flight), Each(Acceptance::accepted));
    EXPECT_TRUE(session->find(std::vector<std::int64_t>{1, 2}, in(10s)));
    EXPECT_TRUE(session->backlog(0, in(10s)));
    const auto input = session->next(0, 10, in(10s));
    ASSERT_TRUE(input && *input);
    EXPECT_TRUE(session->record(0, domain::settle(**input, now()), in(10s)));
    EXPECT_TRUE(session->balances(0, "user_1", in(10s)));
    EXPECT_TRUE(session->list({.user_id = "user_1", .type = domain::Type::deposit}, in(10s)));
    EXPECT_TRUE(session->list({.order = ports::Order::oldest_first, .positions = {2}, .limit = 2}, in(10s)));
    EXPECT_TRUE(session->balances_at(0, "user_1", now() - 1h, in(10s)));
    EXPECT_TRUE(session->statement({.partition = 0, .user_id = "user_1", .currency = "USD", .limit = 3}, in(10s)));
    EXPECT_TRUE(session->expired_holds(0, now(), {}, 10, in(10s)));
    EXPECT_EQ(audit->entries(0, 0, 2, in(10s)).value().size(), 2U);
    EXPECT_EQ(audit->accounts(std::nullopt, 1, in(10s)).value().rows.size(), 1U);
  };
  use_everything(1);
  use_everything(2);
  sql("INSERT INTO transaction_log (partition, type, capture, id, amount_minor, created_at, user_id, currency,"
      " created_by, idempotency_hash) SELECT 0, 'd', 'a', i, 1, now(), 'other_' || i % 100, 'USD', 'x',"
      " decode(md5(i::text), 'hex') FROM generate_series(5, 50000) i");
  sql("INSERT INTO settlement_log (partition, rules_version, status, transaction_id, posted_after, held_after,"
      " account_version, settled_at) SELECT 0, 1, 's', i, 1, 0, 1, now() FROM generate_series(5, 50000) i");
  const std::string read =
      "SELECT sum(idx_tup_fetch + seq_tup_read) FROM pg_stat_user_tables WHERE relname LIKE '%_log'";
  sql("SELECT pg_stat_force_next_flush()");
  const long before = std::stol(sql(read));
  for (int key = 3; key <= 5; ++key) use_everything(key);
  session.reset();
  audit.reset();
  await(server(),
        "SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'tps' AND datname = '" +
            database_ + "')");
  EXPECT_LT(std::stol(sql(read)) - before, 2'000);
}

// 60,000 failures between two entries and after them: they cost each page 10,000 rows at most, and hide nothing.
TEST_F(Ledger, ReadsALongRunOfFailuresPieceByPiece) {
  auto session = store();
  std::vector<Submission> flight{deposit(std::nullopt, 70)};
  append(session, flight);
  const auto input = session.next(0, 10, in(10s));
  ASSERT_TRUE(input && *input);
  ASSERT_TRUE(session.record(0, domain::settle(**input, now()), in(10s)));
  const auto insert_failures = [&](int version, int posted, const std::string& ids) {
    sql("INSERT INTO transaction_log (partition, type, capture, id, amount_minor, created_at, user_id, currency,"
        " created_by) SELECT 0, 'w', 'a', i, 1000, now(), 'user_1', 'USD', 'x' FROM generate_series(" +
        ids + ") i");
    sql("INSERT INTO settlement_log (partition, rules_version, status, failure_code, transaction_id, posted_after,"
        " held_after, account_version, settled_at) SELECT 0, 1, 'f', 'insufficient_funds', i, " +
        std::to_string(posted) + ", 0, " + std::to_string(version) + ", now() FROM generate_series(" + ids + ") i");
  };
  insert_failures(1, 70, "2, 60000");
  flight = {deposit(std::nullopt, 5)};
  append(session, flight);
  const auto second = session.next(0, 10, in(10s));
  ASSERT_TRUE(second && *second);
  ASSERT_TRUE(session.record(0, domain::settle(**second, now()), in(10s)));
  insert_failures(2, 75, "60002, 120000");

  ports::StatementQuery query{.partition = 0, .user_id = "user_1", .currency = "USD"};
  std::vector<std::int64_t> ids;
  for (int pages = 0; pages < 2; ++pages) {
    const auto page = session.statement(query, in(10s));
    ASSERT_TRUE(page) << page.error().detail;
    EXPECT_EQ(page->closing_minor, 75);
    for (const auto& entry : page->entries) ids.push_back(entry.transaction.id);
    EXPECT_EQ(page->next_after.has_value(), pages == 0);
    query.after = page->next_after;
  }
  EXPECT_EQ(ids, (std::vector<std::int64_t>{1, 60001}));
  const auto balances = session.balances_at(0, "user_1", now() + 1h, in(10s));
  ASSERT_TRUE(balances && balances->size() == 1);
  EXPECT_EQ(balances->front().posted, 75);
  EXPECT_EQ(balances->front().version, 2);
}

}  // namespace
}  // namespace tps::fault
