#include "audit/differences.hpp"

#include <utility>

namespace tps::audit {
namespace {

struct Words {
  DifferenceKind kind;
  std::string_view slug;
  std::string_view meaning;
};

constexpr std::array<Words, kDifferenceKinds> kWords{{
    {DifferenceKind::id_gap, "id_gap", "ids are missing from the log"},
    {DifferenceKind::id_repeated, "id_repeated", "the id is in the log more than once"},
    {DifferenceKind::row_unreadable, "row_unreadable", "something in the row is unknown to this version of tps"},
    {DifferenceKind::user_misplaced, "user_misplaced", "the transaction is not in the partition of its user"},
    {DifferenceKind::receiver_misplaced, "receiver_misplaced", "to_partition is not the partition of the receiver"},
    {DifferenceKind::created_at_runs_back, "created_at_runs_back", "it was created before the one before it"},
    {DifferenceKind::parent_missing, "parent_missing", "its parent is not in the log"},
    {DifferenceKind::parent_not_earlier, "parent_not_earlier", "its parent is not earlier in the same partition"},
    {DifferenceKind::parent_of_another, "parent_of_another", "its parent is of other accounts"},
    {DifferenceKind::key_repeated, "key_repeated", "its idempotency key is that of another transaction (G2)"},
    {DifferenceKind::reference_repeated, "reference_repeated",
     "its reference is that of another transaction of the user"},
    {DifferenceKind::settlement_missing, "settlement_missing", "later transactions are settled, this one is not (G6)"},
    {DifferenceKind::settlement_orphaned, "settlement_orphaned", "settlements are of no transaction in the log"},
    {DifferenceKind::settlement_differs, "settlement_differs", "the settlement is not what a replay gives (G11)"},
    {DifferenceKind::settled_at_runs_back, "settled_at_runs_back",
     "it was settled before it was created or before the one before it"},
    {DifferenceKind::rules_unknown, "rules_unknown", "it was settled by rules that this version of tps does not have"},
    {DifferenceKind::account_differs, "account_differs", "the account is not what a replay gives (G11)"},
    {DifferenceKind::hold_differs, "hold_differs", "the hold is not what a replay gives (G11)"},
    {DifferenceKind::reversal_differs, "reversal_differs", "the reversed sum is not what a replay gives (G11)"},
    {DifferenceKind::totals_differ, "totals_differ", "the totals are not what a replay gives (G3)"},
    {DifferenceKind::not_conserved, "not_conserved", "the accounts do not add up to the totals (G3)"},
    {DifferenceKind::held_without_hold, "held_without_hold", "the held amount is not the sum of the open holds (G4)"},
}};

constexpr const Words& words_of(DifferenceKind kind) { return kWords.at(static_cast<std::size_t>(kind)); }

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < kWords.size(); ++i) {
    if (static_cast<std::size_t>(kWords.at(i).kind) != i) return false;
  }
  return true;
}
static_assert(is_in_order());

std::string subject(const Difference& difference) {
  if (difference.transaction_id) return "transaction " + std::to_string(*difference.transaction_id);
  std::string text;
  if (difference.user_id) text = "account " + *difference.user_id + " " + difference.currency.value_or("");
  if (!difference.user_id && difference.currency) text = "currency " + *difference.currency;
  if (!difference.partition) return text;
  const std::string partition = "partition " + std::to_string(*difference.partition);
  return text.empty() ? partition : text + " (" + partition + ")";
}

// A terminal obeys control characters, and what is damaged may hold some.
void make_printable(std::string& text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) c = '?';
  }
}

}  // namespace

std::string_view slug(DifferenceKind kind) { return words_of(kind).slug; }
std::string_view meaning(DifferenceKind kind) { return words_of(kind).meaning; }

std::string sentence(const Difference& difference) {
  std::string text = subject(difference) + ": " + std::string(meaning(difference.kind));
  if (!difference.member.empty()) text += ": " + difference.member;
  if (!difference.expected.empty()) text += ": expected " + difference.expected;
  if (!difference.found.empty()) text += (difference.expected.empty() ? ": found " : ", found ") + difference.found;
  make_printable(text);
  return text;
}

void Differences::add(Difference difference) {
  ++count_;
  ++counts_.at(static_cast<std::size_t>(difference.kind));
  if (kept_.size() < limit_) kept_.push_back(std::move(difference));
}

}  // namespace tps::audit
