#include "domain/acceptance.hpp"

#include <algorithm>
#include <vector>

namespace tps::domain {
namespace {

using Reference = std::pair<std::string, std::string>;

// The additions of this flight so far. Entries of a refused group are taken out again.
struct Added {
  std::unordered_map<Hash128, const Submission*, HashOfHash128> by_key;
  std::map<Reference, const Submission*> by_reference;
};

// True if the key settles the matter: replayed or reused.
bool decide_by_key(Submission& item, const Existing& existing, const Added& added) {
  if (!item.transaction.idempotency_hash) return false;
  const Hash128& key = *item.transaction.idempotency_hash;
  const Transaction* holder = nullptr;
  if (const auto it = existing.by_key.find(key); it != existing.by_key.end()) holder = &it->second;
  if (const auto it = added.by_key.find(key); it != added.by_key.end()) holder = &it->second->transaction;
  if (holder == nullptr) return false;
  if (holder->content_hash == item.transaction.content_hash) {
    item.acceptance = Acceptance::replayed;
    item.transaction = *holder;
  } else {
    item.acceptance = Acceptance::key_reused;
  }
  return true;
}

// True if it may not be accepted: it would be the child of another transaction than it was made from.
bool decide_by_parent(Submission& item, const Existing& existing) {
  if (!item.parent) return false;
  const auto found = existing.parents.find(item.parent->id);
  if (found != existing.parents.end() && is_same_entry(found->second, *item.parent)) return false;
  item.acceptance = Acceptance::stale_parent;
  return true;
}

bool decide_by_reference(Submission& item, const Existing& existing, const Added& added) {
  if (!item.transaction.reference) return false;
  const Reference reference{item.transaction.user_id, *item.transaction.reference};
  if (const auto it = existing.by_reference.find(reference); it != existing.by_reference.end()) {
    item.existing_id = it->second;
  } else if (const auto found = added.by_reference.find(reference); found != added.by_reference.end()) {
    item.existing_id = found->second->transaction.id;
  } else {
    return false;
  }
  item.acceptance = Acceptance::duplicate_reference;
  return true;
}

void remember(const Submission& item, Added& added) {
  if (item.transaction.idempotency_hash) added.by_key.emplace(*item.transaction.idempotency_hash, &item);
  if (item.transaction.reference) {
    added.by_reference.emplace(Reference{item.transaction.user_id, *item.transaction.reference}, &item);
  }
}

void forget(const Submission& item, Added& added) {
  if (item.transaction.idempotency_hash) added.by_key.erase(*item.transaction.idempotency_hash);
  if (item.transaction.reference) {
    added.by_reference.erase(Reference{item.transaction.user_id, *item.transaction.reference});
  }
}

// As it was submitted: without id and time, pending.
void forget_acceptance(Transaction& transaction) {
  transaction.id = 0;
  if (transaction.hold_expires_at) *transaction.hold_expires_at -= transaction.created_at.time_since_epoch();
  transaction.created_at = {};
  transaction.status = Status::pending;
  transaction.failure.reset();
  transaction.settled_at.reset();
}

constexpr bool is_good(Acceptance acceptance) {
  return acceptance == Acceptance::accepted || acceptance == Acceptance::replayed;
}

// Takes back a group of which a member was refused. Returns how many had been accepted.
std::size_t refuse_group(std::span<Submission* const> group, Added& added) {
  std::size_t taken_back = 0;
  for (Submission* item : group) {
    // The neighbour that had the reference will not be in the log either.
    const auto is_holder = [&](const Submission* other) {
      return other->acceptance == Acceptance::accepted && other->transaction.id == item->existing_id;
    };
    if (item->acceptance == Acceptance::duplicate_reference && std::ranges::any_of(group, is_holder)) {
      item->existing_id = 0;
    }
  }
  for (Submission* item : group) {
    if (item->acceptance == Acceptance::accepted) {
      forget(*item, added);
      ++taken_back;
    }
    if (is_good(item->acceptance)) {
      item->acceptance = Acceptance::group_refused;
      forget_acceptance(item->transaction);
    }
  }
  return taken_back;
}

std::span<Submission* const> leading_group(std::span<Submission* const> flight) {
  if (flight.front()->group == 0) return flight.first(1);
  const auto end =
      std::ranges::find_if(flight, [&](const Submission* item) { return item->group != flight.front()->group; });
  return flight.first(static_cast<std::size_t>(end - flight.begin()));
}

}  // namespace

std::size_t accept(std::span<Submission* const> flight, const Existing& existing, std::int64_t last_id,
                   Timestamp last_created_at, Timestamp now) {
  const Timestamp created_at = std::max(now, last_created_at);
  std::size_t accepted = 0;
  Added added;
  while (!flight.empty()) {
    const std::span<Submission* const> group = leading_group(flight);
    flight = flight.subspan(group.size());
    bool refused = false;
    for (Submission* item : group) {
      if (item->acceptance != Acceptance::undecided) {
        refused |= !is_good(item->acceptance);
        continue;
      }
      if (!decide_by_key(*item, existing, added) && !decide_by_parent(*item, existing) &&
          !decide_by_reference(*item, existing, added)) {
        item->acceptance = Acceptance::accepted;
        item->transaction.id = last_id + static_cast<std::int64_t>(++accepted);
        item->transaction.created_at = created_at;
        if (item->transaction.hold_expires_at) *item->transaction.hold_expires_at += created_at.time_since_epoch();
        remember(*item, added);
      }
      refused |= !is_good(item->acceptance);
    }
    if (refused && group.front()->group != 0) accepted -= refuse_group(group, added);
  }
  return accepted;
}

void undo(Submission& item, Acceptance verdict) {
  const bool may_be_added = is_good(item.acceptance);
  item.acceptance = verdict == Acceptance::unknown && !may_be_added ? Acceptance::unavailable : verdict;
  item.existing_id = 0;
  forget_acceptance(item.transaction);
}

void undo(std::span<Submission* const> flight, std::int64_t certain_id, Acceptance verdict) {
  for (Submission* item : flight) {
    switch (item->acceptance) {
      case Acceptance::accepted:
      case Acceptance::key_reused:  // perhaps by a neighbour, as the two below
      case Acceptance::group_refused:
        undo(*item, verdict);
        break;
      case Acceptance::replayed:
        if (item->transaction.id > certain_id) undo(*item, verdict);
        break;
      case Acceptance::duplicate_reference:
        if (item->existing_id == 0 || item->existing_id > certain_id) undo(*item, verdict);
        break;
      case Acceptance::undecided:
      case Acceptance::stale_parent:
      case Acceptance::unprocessable:
      case Acceptance::unavailable:
      case Acceptance::unknown:
        break;
    }
  }
}

}  // namespace tps::domain
