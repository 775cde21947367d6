// Store::open, the schema, and the statements that the database itself refuses.
#include <gmock/gmock.h>

#include "contract/fixture.hpp"

namespace tps::contract {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using Kind = StoreFault::Kind;

using Opening = StoreContract;
TPS_ON_EVERY_STORE(Opening);

TEST_P(Opening, IdentifiesTheStore) {
  const auto identity = session()->open(soon());
  ASSERT_TRUE(identity) << identity.error().detail;
  EXPECT_THAT(identity->store_id, MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_GE(identity->schema, 1);
  EXPECT_EQ(identity->partitions, 1);
  EXPECT_EQ(identity->cache_secret.size(), 32);
  EXPECT_NE(identity->cache_secret, std::vector<std::uint8_t>(32));
}

TEST_P(Opening, MigratesAgainWithoutAnyChange) {
  add(*session(), deposit("a"));
  const auto before = session()->open(soon());
  ASSERT_TRUE(test_store_->migrate(1));
  const auto after = session()->open(soon());
  ASSERT_TRUE(before && after);
  EXPECT_EQ(before->store_id, after->store_id);
  EXPECT_EQ(before->cache_secret, after->cache_secret);
  EXPECT_EQ(found(*session(), 1).user_id, "a");
}

TEST_P(Opening, RefusesACurrencyWithOtherDecimals) {
  const auto assets = domain::Currencies::with_assets("POINTS:2");
  ASSERT_TRUE(assets);
  add(*test_store_->session(*assets), deposit("a", 100, "POINTS"));
  EXPECT_TRUE(test_store_->session(*assets)->open(soon()));
  EXPECT_FALSE(session()->open(soon())) << "amounts in a currency that is no longer configured could not be shown";

  const auto others = domain::Currencies::with_assets("POINTS:0");
  ASSERT_TRUE(others);
  const auto opened = test_store_->session(*others)->open(soon());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, Kind::incompatible);
  EXPECT_THAT(opened.error().detail, HasSubstr("POINTS"));
}

TEST_P(Opening, RefusesAnItemWhoseCurrencyIsKeptWithOtherDecimals) {
  const auto assets = domain::Currencies::with_assets("POINTS:2");
  const auto others = domain::Currencies::with_assets("POINTS:0");
  const auto first = test_store_->session(*assets);
  const auto second = test_store_->session(*others);
  ASSERT_TRUE(first->open(soon()) && second->open(soon())) << "nobody has used it yet";
  add(*first, deposit("a", 100, "POINTS"));
  const auto flight = submit(*second, {deposit("a", 1, "POINTS"), deposit("a")});
  EXPECT_EQ(flight[0].acceptance, Acceptance::unprocessable);
  EXPECT_EQ(flight[1].acceptance, Acceptance::accepted);
}

TEST_P(Opening, RefusesACurrencyThatItDoesNotKnow) {
  const auto flight = submit(*session(), {deposit("a", 1, "NOPE"), deposit("a")});
  EXPECT_EQ(flight[0].acceptance, Acceptance::unprocessable);
  EXPECT_EQ(flight[1].transaction.id, 1);
}

class Database : public StoreContract {
 protected:
  Kind refusal_of_open() {
    const auto opened = session()->open(soon());
    EXPECT_FALSE(opened);
    return opened ? Kind::unknown : opened.error().kind;
  }
};
TPS_ON_EVERY_DATABASE(Database);

TEST_P(Database, IsRefusedWhenItsSchemaNeedsANewerBinary) {
  ASSERT_TRUE(test_store_->sql("UPDATE store SET schema = 99, min_binary = 99"));
  EXPECT_EQ(refusal_of_open(), Kind::incompatible);
  EXPECT_FALSE(test_store_->migrate(1));
}

TEST_P(Database, IsUsedWhenItsNewerSchemaAllowsThisBinary) {
  ASSERT_TRUE(test_store_->sql("UPDATE store SET schema = 99"));
  EXPECT_TRUE(session()->open(soon()));
  EXPECT_TRUE(test_store_->migrate(1)) << "nothing to do";
  EXPECT_EQ(session()->open(soon())->schema, 99);
  EXPECT_EQ(add(*session(), deposit("a")).id, 1);
}

TEST_P(Database, IsRefusedWhenItsSchemaIsTooOld) {
  ASSERT_TRUE(test_store_->sql("UPDATE store SET schema = 0"));
  EXPECT_EQ(refusal_of_open(), Kind::incompatible);
}

TEST_P(Database, IsRefusedByASessionThatIsAskedAgain) {
  const auto open_session = session();
  ASSERT_TRUE(open_session->ping(soon()));
  ASSERT_TRUE(test_store_->sql("UPDATE store SET schema = 99, min_binary = 99"));
  const auto pinged = open_session->ping(soon());
  ASSERT_FALSE(pinged);
  EXPECT_EQ(pinged.error().kind, Kind::incompatible);
}

TEST_P(Database, RefusesToRewriteTheLogs) {
  const auto store = session();
  add(*store, with_key(with_reference(deposit("a"), "r"), 1));
  settle(*store);
  for (const std::string statement :
       {"UPDATE transaction_log SET amount_minor = 1", "UPDATE transaction_log SET id = id",
        "DELETE FROM transaction_log", "UPDATE settlement_log SET posted_after = 1", "DELETE FROM settlement_log"}) {
    EXPECT_FALSE(test_store_->sql(statement)) << statement;
  }
  EXPECT_EQ(found(*store, 1).amount_minor, 100);
}

TEST_P(Database, ShowsTransactionsToPeople) {
  const auto store = session();
  submit(*store, {deposit("a", 1'275, "USD"), deposit("a", 5, "USD"), deposit("a", 12, "JPY"), deposit("a", 1, "UYW"),
                  withdrawal("b", 1, "KWD")});
  settle(*store, 0, 4);
  const auto cell = [&](const std::string& column, int id) {
    return test_store_->sql("SELECT " + column + " FROM transactions WHERE id = " + std::to_string(id))
        .value_or("error");
  };
  EXPECT_EQ(cell("amount", 1), "12.75");
  EXPECT_EQ(cell("amount", 2), "0.05");
  EXPECT_EQ(cell("amount", 3), "12");
  EXPECT_EQ(cell("amount", 4), "0.0001");
  EXPECT_EQ(cell("amount", 5), "0.001");
  EXPECT_EQ(cell("status", 4), "settled");
  EXPECT_EQ(cell("status", 5), "pending");
  EXPECT_THAT(cell("created_at", 1), MatchesRegex("2025-10-09.08:53:20.123456.*"));
  EXPECT_THAT(cell("settled_at", 1), MatchesRegex("2025-10-09.08:53:20.123456.*"));
  EXPECT_EQ(cell("settled_at", 5), "");
  EXPECT_EQ(cell("user_id", 5), "b");
}

// Everything that a settlement writes is there or nothing is, and the two sums of the money agree.
TEST_P(Database, KeepsTotalsAndBalancesInAgreement) {
  for (std::int64_t i = 0; i < 20; ++i) {
    submit(*store_, {deposit("a", 50 + i), transfer("a", "b", 10 * i), withdrawal("b", 7 * i)});
    settle(*store_, 0, 2);
  }
  const auto posted = test_store_->sql("SELECT sum(posted) FROM accounts");
  const auto net = test_store_->sql("SELECT sum(deposits - withdrawals) FROM totals");
  ASSERT_TRUE(posted && net);
  EXPECT_EQ(*posted, *net);
  EXPECT_NE(*posted, "0");
}

// Starts without a schema.
class Migrating : public StoreContract {
 protected:
  void SetUp() override {}
};
TPS_ON_EVERY_DATABASE(Migrating);

TEST_P(Migrating, IsNeededBeforeAnythingElse) {
  const auto store = session();
  EXPECT_EQ(store->open(soon()).error().kind, Kind::incompatible);
  EXPECT_EQ(store->find(std::vector<std::int64_t>{1}, soon()).error().kind, Kind::incompatible);
  EXPECT_EQ(store->next(0, 1, soon()).error().kind, Kind::incompatible);
  EXPECT_EQ(submit(*store, {deposit("a")})[0].acceptance, Acceptance::unavailable);
  ASSERT_TRUE(test_store_->migrate(1));
  EXPECT_EQ(add(*store, deposit("a")).id, 1) << "the same session goes on";
}

TEST_P(Migrating, FixesThePartitions) {
  EXPECT_FALSE(test_store_->migrate(0));
  EXPECT_FALSE(test_store_->migrate(257));
  ASSERT_TRUE(test_store_->migrate(4));
  ASSERT_TRUE(test_store_->migrate(1));
  EXPECT_EQ(session()->open(soon())->partitions, 4);
  EXPECT_EQ(test_store_->sql("SELECT count(*) FROM partitions"), "4");
  EXPECT_EQ(test_store_->sql("SELECT count(*) FROM readers WHERE reader = 'settlement'"), "4");
}

}  // namespace
}  // namespace tps::contract
