// ports::Audit: every piece, compared with the transactions that were written.
#include "ports/audit.hpp"

#include <gmock/gmock.h>

#include "contract/fixture.hpp"
#include "contract/history.hpp"

namespace tps::contract {
namespace {

using ::testing::IsEmpty;

class Audits : public StoreContract {
 protected:
  void SetUp() override {
    start(2);
    audit_ = test_store_->audit(currencies_);
    if (!audit_) GTEST_SKIP() << "no audit of this store";
  }

  template <class T>
  static T value_of(ports::StoreResult<T> answer) {
    EXPECT_TRUE(answer) << answer.error().detail;
    return answer ? std::move(*answer) : T{};
  }

  // A derived table in pieces of `max`. Each says how far settlement was.
  template <class Row, class Key, class Read, class KeyOf>
  std::vector<Row> pieces(Key start, std::size_t max, Read read, KeyOf key_of) {
    std::vector<Row> all;
    Key after = std::move(start);
    while (all.size() < 10'000) {
      const auto piece = value_of(read(after, max));
      EXPECT_EQ(piece.positions, value_of(audit_->positions(soon())));
      EXPECT_LE(piece.rows.size(), max);
      if (piece.rows.empty()) return all;
      all.insert(all.end(), piece.rows.begin(), piece.rows.end());
      after = key_of(piece.rows.back());
    }
    ADD_FAILURE() << "no end";
    return all;
  }

  std::unique_ptr<ports::Audit> audit_;
};
TPS_ON_EVERY_STORE(Audits);

TEST_P(Audits, OfAnEmptyStoreFindNothing) {
  EXPECT_EQ(value_of(audit_->open(soon())).store_id, value_of(store_->open(soon())).store_id);
  EXPECT_EQ(value_of(audit_->positions(soon())), (std::vector{std::int64_t{0}, domain::id_before_first(1)}));
  EXPECT_THAT(value_of(audit_->entries(0, 0, 10, soon())), IsEmpty());
  EXPECT_EQ(value_of(audit_->orphans(0, soon())), 0);
  EXPECT_THAT(value_of(audit_->accounts(std::nullopt, 10, soon())).rows, IsEmpty());
  EXPECT_THAT(value_of(audit_->holds(0, 10, soon())).rows, IsEmpty());
  EXPECT_THAT(value_of(audit_->reversals(0, 10, soon())).rows, IsEmpty());
  EXPECT_THAT(value_of(audit_->totals(soon())).rows, IsEmpty());
}

TEST_P(Audits, ReadBothLogs) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  History history(*store_, 2, seed);
  history.run(40);
  const Transaction pending = add(*store_, in(1, deposit("late")), history.now());

  std::map<std::int64_t, std::pair<Transaction, domain::Settlement>> written;
  for (const auto& each : history.settled()) written[each.first.id] = each;
  const auto positions = value_of(audit_->positions(soon()));
  std::array<std::int64_t, 2> last{};
  for (const std::uint32_t partition : {0U, 1U}) {
    std::int64_t after = domain::id_before_first(partition);
    std::size_t count = 0;
    while (true) {
      const auto piece = value_of(audit_->entries(partition, after, 7, soon()));
      EXPECT_LE(piece.size(), 7);
      if (piece.empty()) break;
      for (const auto& entry : piece) {
        EXPECT_TRUE(entry.readable);
        ASSERT_EQ(entry.transaction.id, ++after) << "in order, without gaps";
        ASSERT_EQ(entry.settlement.has_value(), after <= positions[partition]);
        if (!entry.settlement) {
          EXPECT_EQ(entry.transaction.status, Status::pending);
          continue;
        }
        ++count;
        auto [transaction, settlement] = written.at(after);
        EXPECT_EQ(entry.settlement, settlement);
        transaction.status = settlement.status;
        transaction.failure = settlement.failure;
        transaction.settled_at = settlement.settled_at;
        EXPECT_EQ(entry.transaction, transaction) << "as its own settlement left it";
      }
    }
    EXPECT_GT(count, 50);
    EXPECT_EQ(value_of(audit_->orphans(partition, soon())), 0);
    last.at(partition) = after;
  }
  EXPECT_EQ(last[1], pending.id) << "what is not settled is there too";
}

TEST_P(Audits, ReadWhatIsDerived) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  History history(*store_, 2, seed);
  history.run(40);
  using Audit = ports::Audit;

  for (const std::size_t max : {1U, 3U, 1'000U}) {
    const auto accounts = pieces<Audit::AccountRow>(
        std::optional<domain::AccountKey>{}, max,
        [&](const auto& after, std::size_t most) { return audit_->accounts(after, most, soon()); },
        [](const Audit::AccountRow& row) { return std::optional(row.first); });
    EXPECT_TRUE(std::ranges::is_sorted(accounts, {}, &Audit::AccountRow::first));
    EXPECT_EQ(domain::Accounts(accounts.begin(), accounts.end()), history.accounts());
    EXPECT_EQ(accounts.size(), history.accounts().size());

    const auto holds = pieces<domain::Hold>(
        std::int64_t{0}, max, [&](std::int64_t after, std::size_t most) { return audit_->holds(after, most, soon()); },
        [](const domain::Hold& hold) { return hold.transaction_id; });
    EXPECT_TRUE(std::ranges::is_sorted(holds, {}, &domain::Hold::transaction_id));
    ASSERT_EQ(holds.size(), history.holds().size());
    for (const domain::Hold& hold : holds) EXPECT_EQ(hold, history.holds().at(hold.transaction_id));

    const auto reversals = pieces<Audit::ReversalRow>(
        std::int64_t{0}, max,
        [&](std::int64_t after, std::size_t most) { return audit_->reversals(after, most, soon()); },
        [](const Audit::ReversalRow& row) { return row.first; });
    EXPECT_TRUE(std::ranges::is_sorted(reversals));
    EXPECT_EQ(domain::Reversals(reversals.begin(), reversals.end()), history.reversals());
  }
  const auto totals = value_of(audit_->totals(soon()));
  EXPECT_EQ(totals.positions, value_of(audit_->positions(soon())));
  EXPECT_EQ(std::map(totals.rows.begin(), totals.rows.end()), history.totals());
}

TEST_P(Audits, FindTransactionsAsTheyStand) {
  submit(*store_, {deposit("a", 100), held(withdrawal("a", 10))});
  settle(*store_);
  add(*store_, child(Type::void_, found(*store_, 2)));
  settle(*store_);
  const auto answers = value_of(audit_->find(std::vector<std::int64_t>{2, 99, 1}, soon()));
  ASSERT_EQ(answers.size(), 3);
  EXPECT_EQ(answers[0], found(*store_, 2));
  EXPECT_EQ(answers[1], std::nullopt);
  EXPECT_EQ(answers[2], found(*store_, 1));
  const Transaction logged = value_of(audit_->entries(0, 1, 1, soon()))[0].transaction;
  EXPECT_EQ(logged.status, Status::authorized) << "not what became of the hold";
  EXPECT_EQ(logged.settled_at, kNow) << "when it was authorized";
}

using AuditsOfADatabase = Audits;
TPS_ON_EVERY_DATABASE(AuditsOfADatabase);

TEST_P(AuditsOfADatabase, SeeWhatDoesNotBelong) {
  const std::string past_checks = GetParam().name == "sqlite" ? "PRAGMA ignore_check_constraints = 1; " : "";
  add(*store_, deposit("a", 100));
  settle(*store_);
  ASSERT_TRUE(test_store_->sql(
      past_checks +
      "INSERT INTO transaction_log (partition, type, capture, id, amount_minor, created_at, user_id, currency,"
      " created_by) SELECT partition, 'z', capture, 2, amount_minor, created_at, user_id, currency, created_by"
      " FROM transaction_log WHERE id = 1"));
  for (const std::string id : {"3", "4"}) {
    ASSERT_TRUE(test_store_->sql(
        "INSERT INTO settlement_log (partition, transaction_id, status, posted_after, held_after, account_version,"
        " settled_at, rules_version) SELECT partition, " +
        id +
        ", status, 7, held_after, account_version, settled_at, rules_version FROM settlement_log"
        " WHERE transaction_id = 1"));
  }
  const auto entries = value_of(audit_->entries(0, 0, 10, soon()));
  ASSERT_EQ(entries.size(), 2);
  EXPECT_TRUE(entries[0].readable);
  EXPECT_FALSE(entries[1].readable);
  EXPECT_EQ(entries[1].transaction.id, 2);
  EXPECT_EQ(entries[1].transaction.amount_minor, 0);
  EXPECT_EQ(entries[1].transaction.created_at, kNow);
  EXPECT_FALSE(entries[1].settlement);
  EXPECT_EQ(value_of(audit_->orphans(0, soon())), 2);
  EXPECT_EQ(value_of(audit_->orphans(1, soon())), 0);
}

}  // namespace
}  // namespace tps::contract
