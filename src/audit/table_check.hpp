// The tables that are derived from the logs, compared piece by piece with a replayed ledger that includes exactly the
// same settlements; and what must add up within the ledger itself. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "audit/differences.hpp"
#include "domain/ledger.hpp"
#include "domain/settlement.hpp"
#include "ports/audit.hpp"

namespace tps::audit {

// Keys in order, most of them known from the start.
template <class Key, class Less>
class KeyIndex {
 public:
  void start(std::vector<Key> keys) {
    first_ = std::move(keys);
    std::ranges::sort(first_, Less{});
  }
  void add(const Key& key) {
    if (!std::ranges::binary_search(first_, key, Less{})) later_.insert(key);
  }
  // Calls `visit` with each key above `after` and not above `last` (nullopt: to the end).
  template <class Visit>
  void visit(const std::optional<Key>& after, const std::optional<Key>& last, Visit visit) const {
    const auto of = [&](const auto& begin, const auto& end) {
      for (auto at = begin; at != end && !(last && Less{}(*last, *at)); ++at) visit(*at);
    };
    of(after ? std::upper_bound(first_.begin(), first_.end(), *after, Less{}) : first_.begin(), first_.end());
    of(after ? later_.upper_bound(*after) : later_.begin(), later_.end());
  }

 private:
  std::vector<Key> first_;
  std::set<Key, Less> later_;
};

class TableCheck {
 public:
  // `ledger` and `differences` must outlive this object.
  TableCheck(const domain::Ledger& ledger, Differences& differences);

  // Takes in the changes of the ledger since this object was made or since the last call.
  void note(const domain::SettlementOutput& changes);

  // Rows in the order of their key; `after` is the last key of the piece before. `is_last`: there are no rows after
  // these.
  void accounts(std::span<const ports::Audit::AccountRow> rows, const std::optional<domain::AccountKey>& after,
                bool is_last);
  void holds(std::span<const domain::Hold> rows, std::int64_t after, bool is_last);
  void reversals(std::span<const ports::Audit::ReversalRow> rows, std::int64_t after, bool is_last);
  void totals(std::span<const ports::Audit::TotalsRow> rows);

 private:
  struct ByValue {
    bool operator()(const domain::AccountKey* a, const domain::AccountKey* b) const { return *a < *b; }
  };
  void compare(const domain::AccountKey& key, const domain::Account& expected, const domain::Account& found);
  void compare(const domain::Hold& expected, const domain::Hold& found);
  void report_row(DifferenceKind kind, std::int64_t id, const char* expected, const char* found);

  const domain::Ledger& ledger_;
  Differences& differences_;
  KeyIndex<const domain::AccountKey*, ByValue> account_keys_;
  KeyIndex<std::int64_t, std::less<>> hold_ids_;
  KeyIndex<std::int64_t, std::less<>> original_ids_;
};

// Checks the sums of the ledger: in each currency the accounts add up to the totals of all partitions (G3), and in each
// account `held` is the sum of the open holds.
void check_sums(const domain::Accounts& accounts, const domain::Holds& holds,
                const std::map<domain::Ledger::TotalsKey, domain::Totals>& totals, Differences& differences);

}  // namespace tps::audit
