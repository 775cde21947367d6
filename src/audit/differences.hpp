// The findings of an audit: a closed list of the ways in which stored rows can differ from what the logs give.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/settlement.hpp"

namespace tps::audit {

// The wire slug is the enumerator's name.
enum class DifferenceKind : std::uint8_t {
  // In the log of transactions.
  id_gap,
  id_repeated,
  row_unreadable,
  user_misplaced,
  receiver_misplaced,
  created_at_runs_back,
  parent_missing,
  parent_not_earlier,
  parent_of_another,
  key_repeated,
  reference_repeated,
  // In the log of settlements.
  settlement_missing,
  settlement_orphaned,
  settlement_differs,
  settled_at_runs_back,
  rules_unknown,
  // In what is derived from them.
  account_differs,
  hold_differs,
  reversal_differs,
  totals_differ,
  not_conserved,
  held_without_hold,
};
inline constexpr std::size_t kDifferenceKinds = static_cast<std::size_t>(DifferenceKind::held_without_hold) + 1;

std::string_view slug(DifferenceKind kind);
// The explanation that an operator reads: a clause after "the transaction" or "the account".
std::string_view meaning(DifferenceKind kind);

struct Difference {
  DifferenceKind kind = DifferenceKind::id_gap;
  // The subject of the difference: a transaction, an account, a currency, or a whole partition.
  std::optional<std::uint32_t> partition{};
  std::optional<std::int64_t> transaction_id{};
  std::optional<std::string> user_id{};
  std::optional<std::string> currency{};
  std::string member{};  // the value that differs, by its name in the tables; empty where the kind says it
  std::string expected{};
  std::string found{};

  bool operator==(const Difference&) const = default;
};

// "transaction 17: the settlement is not what a replay gives: status: expected settled, found failed". One line of
// printable text, whatever is in the database.
std::string sentence(const Difference& difference);

// Counts all, keeps the first `limit`.
class Differences {
 public:
  explicit Differences(std::size_t limit) : limit_(limit) {}

  void add(Difference difference);

  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] std::int64_t count(DifferenceKind kind) const { return counts_.at(static_cast<std::size_t>(kind)); }
  [[nodiscard]] const std::vector<Difference>& kept() const { return kept_; }

 private:
  const std::size_t limit_;
  std::int64_t count_ = 0;
  std::array<std::int64_t, kDifferenceKinds> counts_{};
  std::vector<Difference> kept_;
};

}  // namespace tps::audit
