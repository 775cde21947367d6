// Long random histories of everything that can happen, against a model that was written independently (test_model.hpp).
// A failure is shrunk and printed with the seed that repeats it: RC_PARAMS="reproduce=..." unit_tests.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "domain/settlement.hpp"
#include "domain/test_history.hpp"
#include "domain/test_model.hpp"

namespace tps::domain {
namespace {

using test::History;
using test::Look;
using test::Model;
using test::Move;

// The state that a store keeps between two batches; gives settle() exactly the input that SettlementInput promises.
class Shelf {
 public:
  std::vector<Settlement> settle(std::span<const Transaction> batch) {
    const SettlementInput input = input_of(batch);
    const SettlementOutput output = domain::settle(input, Timestamp{});
    keep(batch, output);
    return output.settlements;
  }

  [[nodiscard]] Account account(const AccountKey& key) const {
    const auto found = accounts_.find(key);
    return found == accounts_.end() ? Account{} : found->second;
  }
  [[nodiscard]] const Accounts& accounts() const { return accounts_; }
  [[nodiscard]] const Holds& holds() const { return holds_; }
  [[nodiscard]] const Reversals& reversals() const { return reversals_; }
  [[nodiscard]] const std::map<std::uint32_t, TotalsByCurrency>& totals() const { return totals_; }

 private:
  [[nodiscard]] SettlementInput input_of(std::span<const Transaction> batch) const {
    SettlementInput input;
    input.transactions.assign(batch.begin(), batch.end());
    for (const Transaction& one : batch) {
      fetch(accounts_, AccountKey{one.partition, one.user_id, one.currency}, input.accounts);
      if (one.to_user_id)
        fetch(accounts_, AccountKey{*one.to_partition, *one.to_user_id, one.currency}, input.accounts);
      if (!one.parent_id) continue;
      if (one.type == Type::reversal) {
        fetch(reversals_, *one.parent_id, input.reversals);
        fetch(log_, *one.parent_id, input.parents);
      } else {
        fetch(holds_, *one.parent_id, input.holds);
      }
    }
    if (const auto found = totals_.find(batch.front().partition); found != totals_.end()) input.totals = found->second;
    return input;
  }

  template <class Map>
  static void fetch(const Map& from, const typename Map::key_type& key, Map& into) {
    if (const auto found = from.find(key); found != from.end()) into.insert(*found);
  }

  // Everything that is reported is sorted, once each, and a change.
  template <class List, class KeyOf>
  static void check_order(const List& list, KeyOf key_of) {
    for (std::size_t i = 1; i < list.size(); ++i) RC_ASSERT(key_of(list[i - 1]) < key_of(list[i]));
  }

  void keep(std::span<const Transaction> batch, const SettlementOutput& output) {
    RC_ASSERT(output.settlements.size() == batch.size());
    const auto first_of_pair = [](const auto& pair) { return pair.first; };
    check_order(output.accounts, first_of_pair);
    check_order(output.reversals, first_of_pair);
    check_order(output.totals, first_of_pair);
    check_order(output.holds, [](const Hold& hold) { return hold.transaction_id; });
    for (const auto& [key, after] : output.accounts) {
      RC_ASSERT((after != account(key)));
      accounts_[key] = after;
    }
    for (const auto& [id, sum] : output.reversals) {
      RC_ASSERT(sum > reversals_[id]);
      reversals_[id] = sum;
    }
    TotalsByCurrency& totals = totals_[batch.front().partition];
    for (const auto& [currency, after] : output.totals) totals[currency] = after;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      RC_ASSERT(output.settlements[i].transaction_id == batch[i].id);
      const auto [row, is_new] = log_.emplace(batch[i].id, batch[i]);
      RC_ASSERT(is_new);  // G6: settled once
      row->second.status = output.settlements[i].status;
    }
    for (const Hold& hold : output.holds) keep(hold);
  }

  // G6: authorized, then one of three ends, and nothing after that.
  void keep(const Hold& hold) {
    const auto before = holds_.find(hold.transaction_id);
    RC_ASSERT((before == holds_.end() || before->second.status == Status::authorized));
    const bool open = hold.status == Status::authorized;
    RC_ASSERT((open || is_final(hold.status)));
    RC_ASSERT(hold.closed_by.has_value() != open);
    RC_ASSERT(hold.closed_at.has_value() != open);
    RC_ASSERT(hold.captured_minor <= hold.held_minor);
    RC_ASSERT((hold.captured_minor > 0) == (hold.status == Status::settled));
    holds_[hold.transaction_id] = hold;
    log_.at(hold.transaction_id).status = hold.status;
  }

  Accounts accounts_;
  Holds holds_;
  Reversals reversals_;
  std::map<std::uint32_t, TotalsByCurrency> totals_;
  Parents log_;  // as it stands
};

using Batch = std::span<const Transaction>;

// Which batches the workers take in which order, until everything is settled.
std::vector<Batch> schedule(const History& history, const std::vector<Look>& looks) {
  std::vector<std::size_t> done(history.partitions());
  std::vector<Batch> batches;
  const auto take = [&](std::size_t partition, std::size_t most) {
    const Batch rest = Batch(history.log(partition)).subspan(done[partition]);
    const Batch batch = rest.first(std::min(most, rest.size()));
    if (!batch.empty()) batches.push_back(batch);
    done[partition] += batch.size();
  };
  for (const Look& look : looks) take(static_cast<std::size_t>(look.partition), static_cast<std::size_t>(look.most));
  for (std::size_t partition = 0; partition < done.size(); ++partition) take(partition, history.log(partition).size());
  return batches;
}

// Modulo 2^64.
std::uint64_t bits(std::int64_t value) { return static_cast<std::uint64_t>(value); }

// G3, and what is held is what open holds hold.
void check_sums(const Shelf& shelf) {
  std::map<std::string, std::uint64_t> posted;
  std::map<std::string, std::uint64_t> held;
  for (const auto& [key, account] : shelf.accounts()) {
    posted[key.currency] += bits(account.posted);
    held[key.currency] += bits(account.held);
    RC_ASSERT(account.held >= 0);
  }
  for (const auto& [partition, by_currency] : shelf.totals()) {
    for (const auto& [currency, totals] : by_currency) posted[currency] -= bits(totals.net());
  }
  for (const auto& [id, hold] : shelf.holds()) {
    if (hold.status == Status::authorized) held[hold.currency] -= bits(hold.held_minor);
  }
  for (const auto& [currency, difference] : posted) RC_ASSERT(difference == 0U);
  for (const auto& [currency, difference] : held) RC_ASSERT(difference == 0U);
}

void check_state(const Shelf& shelf, const Model& model, const History& history) {
  for (const AccountKey& key : model.keys()) RC_ASSERT((shelf.account(key) == model.account(key)));
  for (std::size_t partition = 0; partition < history.partitions(); ++partition) {
    for (const Transaction& one : history.log(partition)) {
      const auto hold = shelf.holds().find(one.id);
      const bool there = hold != shelf.holds().end();
      const Status status = there ? hold->second.status : Status::pending;
      RC_ASSERT(model.hold_status(one.id).value_or(Status::pending) == status);
      const auto reversed = shelf.reversals().find(one.id);
      const std::int64_t sum = reversed == shelf.reversals().end() ? 0 : reversed->second;
      RC_ASSERT(sum == model.reversed(one.id));
      RC_ASSERT((sum == 0 || sum <= one.amount_minor));
    }
  }
}

// The outcomes that were seen (the rarest are left to ledger_test.cpp), so that a generator that reaches nothing is not
// taken for rules without fault.
using Seen = std::set<std::string>;

void check_against_model(const std::vector<Move>& moves, const std::vector<Look>& looks, std::uint32_t partitions,
                         Seen& seen) {
  const History history(moves, partitions);
  Shelf shelf;
  Model model;
  for (const Batch& batch : schedule(history, looks)) {
    const std::vector<Settlement> settlements = shelf.settle(batch);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      Settlement expected = model.settle(batch[i]);
      expected.settled_at = settlements[i].settled_at;
      RC_ASSERT((settlements[i] == expected));
      seen.insert(std::string(slug(batch[i].type)) + ' ' +
                  std::string(expected.failure ? slug(*expected.failure) : slug(expected.status)));
    }
    check_sums(shelf);
  }
  check_state(shelf, model, history);
  for (const auto& [id, hold] : shelf.holds()) seen.insert("hold " + std::string(slug(hold.status)));
}

void expect_all_seen(const Seen& seen) {
  for (const std::string outcome : {"deposit settled",
                                    "deposit unprocessable",
                                    "deposit balance_overflow",
                                    "withdrawal settled",
                                    "withdrawal authorized",
                                    "withdrawal unprocessable",
                                    "withdrawal insufficient_funds",
                                    "withdrawal account_frozen",
                                    "transfer settled",
                                    "transfer authorized",
                                    "transfer unprocessable",
                                    "transfer insufficient_funds",
                                    "transfer account_frozen",
                                    "capture settled",
                                    "capture unprocessable",
                                    "capture invalid_parent_state",
                                    "capture capture_exceeds_hold",
                                    "void settled",
                                    "void unprocessable",
                                    "void invalid_parent_state",
                                    "expiry settled",
                                    "expiry invalid_parent_state",
                                    "reversal settled",
                                    "reversal unprocessable",
                                    "reversal invalid_parent_state",
                                    "reversal reversal_exceeds_original",
                                    "reversal account_frozen",
                                    "account_update settled",
                                    "account_update unprocessable",
                                    "hold authorized",
                                    "hold settled",
                                    "hold voided",
                                    "hold expired"}) {
    EXPECT_TRUE(seen.contains(outcome)) << outcome;
  }
}

TEST(LedgerProperties, OnePartitionIsAsTheModelSays) {
  Seen seen;
  EXPECT_TRUE(rc::check([&] { check_against_model(*test::moves(), *test::looks(1), 1, seen); }));
  expect_all_seen(seen);
}

// Transfers and what follows from them cross between partitions in both directions.
TEST(LedgerProperties, FourPartitionsAreAsTheModelSays) {
  Seen seen;
  EXPECT_TRUE(rc::check([&] { check_against_model(*test::moves(), *test::looks(4), 4, seen); }));
  expect_all_seen(seen);
}

// G11: the same order in other batches gives the same settlements and leaves the same state.
TEST(LedgerProperties, CutsDoNotMatter) {
  EXPECT_TRUE(rc::check([] {
    const History history(*test::moves(), 2);
    Shelf in_batches;
    Shelf one_by_one;
    for (const Batch& batch : schedule(history, *test::looks(2))) {
      std::vector<Settlement> singles;
      singles.reserve(batch.size());
      for (std::size_t i = 0; i < batch.size(); ++i) singles.push_back(one_by_one.settle(batch.subspan(i, 1)).front());
      std::vector<Settlement> together = in_batches.settle(batch);
      RC_ASSERT(singles.size() == together.size());
      for (std::size_t i = 0; i < singles.size(); ++i) RC_ASSERT((singles[i] == together[i]));
    }
    RC_ASSERT((in_batches.accounts() == one_by_one.accounts()));
    RC_ASSERT((in_batches.holds() == one_by_one.holds()));
    RC_ASSERT((in_batches.reversals() == one_by_one.reversals()));
    RC_ASSERT((in_batches.totals() == one_by_one.totals()));
  }));
}

// posted_change() is what statements show: it must be what happened to the accounts.
TEST(LedgerProperties, PostedChangeIsWhatHappened) {
  EXPECT_TRUE(rc::check([] {
    const History history(*test::moves(), 1);
    Shelf shelf;
    std::map<std::int64_t, Type> types;
    for (const Transaction& one : history.log(0)) {
      const AccountKey from{0, one.user_id, one.currency};
      const AccountKey to{0, one.to_user_id.value_or(""), one.currency};
      const std::int64_t from_before = shelf.account(from).posted;
      const std::int64_t to_before = shelf.account(to).posted;
      const Settlement settlement = shelf.settle(Batch(&one, 1)).front();
      types[one.id] = one.type;
      if (settlement.failure) continue;
      const auto parent = one.parent_id ? std::optional(types[*one.parent_id]) : std::nullopt;
      RC_ASSERT(posted_change(one, parent, false) == shelf.account(from).posted - from_before);
      if (settlement.to_posted_after) {
        RC_ASSERT(posted_change(one, parent, true) == *settlement.to_posted_after - to_before);
      }
    }
  }));
}

// In numbers that cannot overflow.
using Wide = __int128_t;
Wide available(const Account& account) { return Wide{account.posted} - account.held; }

// G4: nothing but a lower limit leaves less available than the limit allows. An account that is already below the limit
// may only grow. Versions count without gaps.
TEST(LedgerProperties, NoDebitGoesBelowTheLimit) {
  EXPECT_TRUE(rc::check([] {
    const History history(*test::moves(), 1);
    Shelf shelf;
    for (const Transaction& one : history.log(0)) {
      const Accounts before = shelf.accounts();
      const Settlement settlement = shelf.settle(Batch(&one, 1)).front();
      for (const auto& [key, account] : shelf.accounts()) {
        const auto found = before.find(key);
        const Account old = found == before.end() ? Account{} : found->second;
        const bool touched = account != old;
        RC_ASSERT((account.version == old.version + (touched ? 1 : 0)));
        RC_ASSERT((!touched || settlement.status != Status::failed));
        const bool within = available(account) >= -Wide{account.overdraft_limit};
        RC_ASSERT((within || one.type == Type::account_update || available(account) >= available(old)));
      }
    }
  }));
}

}  // namespace
}  // namespace tps::domain
