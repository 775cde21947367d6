#include "audit/uniqueness.hpp"

#include <algorithm>
#include <functional>

namespace tps::audit {
namespace {

std::uint64_t mark_of_reference(const domain::Transaction& transaction) {
  std::string text = transaction.user_id;
  text += '\0';
  text += *transaction.reference;
  return std::hash<std::string>{}(text);
}

}  // namespace

void Uniqueness::add(const domain::Transaction& transaction) {
  if (transaction.idempotency_hash) {
    keys_.emplace_back(domain::HashOfHash128{}(*transaction.idempotency_hash), transaction.id);
  }
  if (transaction.reference) references_.emplace_back(mark_of_reference(transaction), transaction.id);
}

std::vector<std::int64_t> Uniqueness::take_suspects() {
  std::vector<std::int64_t> suspects;
  for (std::vector<Mark>* const marks : {&keys_, &references_}) {
    std::ranges::sort(*marks);
    for (std::size_t i = 0; i < marks->size(); ++i) {
      const bool as_before = i > 0 && (*marks)[i - 1].first == (*marks)[i].first;
      const bool as_after = i + 1 < marks->size() && (*marks)[i + 1].first == (*marks)[i].first;
      if (as_before || as_after) suspects.push_back((*marks)[i].second);
    }
    *marks = {};
  }
  std::ranges::sort(suspects);
  const auto rest = std::ranges::unique(suspects);
  suspects.erase(rest.begin(), rest.end());
  return suspects;
}

void RepeatCheck::check(const domain::Transaction& transaction) {
  if (transaction.idempotency_hash) {
    const auto [place, is_new] = by_key_.try_emplace(*transaction.idempotency_hash, transaction.id);
    if (!is_new) report(DifferenceKind::key_repeated, transaction, place->second);
  }
  if (transaction.reference) {
    const auto [place, is_new] =
        by_reference_.try_emplace({transaction.user_id, *transaction.reference}, transaction.id);
    if (!is_new) report(DifferenceKind::reference_repeated, transaction, place->second);
  }
}

void RepeatCheck::report(DifferenceKind kind, const domain::Transaction& transaction, std::int64_t first) {
  differences_.add({.kind = kind,
                    .partition = transaction.partition,
                    .transaction_id = transaction.id,
                    .found = "transaction " + std::to_string(first)});
}

}  // namespace tps::audit
