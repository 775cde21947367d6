// Acceptance: which of the submissions of one flight become transactions, and with which ids.
// Pure: the store fetches what exists under the partition's lock, this decides, the store inserts.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>

#include "domain/error.hpp"
#include "domain/transaction.hpp"

namespace tps::domain {

// In order of precedence.
enum class Acceptance : std::uint8_t {
  undecided,            // not yet through a flight
  replayed,             // the same key with the same content is there already; nothing added
  key_reused,           // the same key with other content is there; nothing added
  stale_parent,         // the log's entry under parent_id is not the parent that was submitted; nothing added
  duplicate_reference,  // the user has this reference already (existing_id); nothing added
  group_refused,        // a neighbour in the same atomic group was refused; nothing added
  accepted,             // in the log, durable
  unprocessable,        // the store refuses this item alone; nothing added
  unavailable,          // the store could not be asked or did not commit; nothing added
  unknown,              // may or may not be in the log
};

struct Submission {
  // In: the instruction, its partition and hashes. Out: for accepted, id and created_at are set; for
  // replayed, it is the stored transaction as it stands now.
  Transaction transaction;
  // 0: stands alone. Otherwise all submissions of a flight with the same number are accepted together or
  // not at all; they are neighbours.
  std::uint32_t group = 0;
  Acceptance acceptance = Acceptance::undecided;
  std::int64_t existing_id = 0;                             // duplicate_reference only
  ErrorCode unavailable_as = ErrorCode::store_unavailable;  // unavailable only: the code for the client
  // The transaction that a capture, void, expiry or reversal was made from. It is accepted only beside the very same
  // entry of the log.
  std::shared_ptr<const Transaction> parent{};
};

struct HashOfHash128 {
  std::size_t operator()(const Hash128& hash) const {
    std::size_t value = 0;
    __builtin_memcpy(&value, hash.data(), sizeof value);
    return value;
  }
};

// The keys, parents and references of a flight that the partition's log holds already.
struct Existing {
  std::unordered_map<Hash128, Transaction, HashOfHash128> by_key;
  std::map<std::pair<std::string, std::string>, std::int64_t> by_reference;  // (user_id, reference) -> id
  std::unordered_map<std::int64_t, Transaction> parents;                     // by id; what never changes of them
};

// Decides the undecided submissions of one partition, in order; others are left alone. Ids are last_id + 1, + 2, ...
// for the accepted ones, without gaps; created_at is max(now, last_created_at) (time never runs back within a log).
// Repeated keys and references within the flight are found too: the first one wins, and a later equal one is `replayed`
// with the first one's id. Returns the number accepted. The caller inserts them in order, commits, and takes the
// decisions back with undo() if that fails.
std::size_t accept(std::span<Submission* const> flight, const Existing& existing, std::int64_t last_id,
                   Timestamp last_created_at, Timestamp now);

// Takes one decision back: the transaction is as it was submitted, and `verdict` (undecided, unavailable or unknown)
// stands. A refused submission added nothing whatever became of the flight, so `unknown` becomes `unavailable` for it.
void undo(Submission& item, Acceptance verdict);

// The flight's commit failed: takes back every decision of accept() that rests on it. A replay, or a reference that
// exists, rests on the log alone if the id is at most `certain_id`, the last one that is known to be durable, and
// stays.
void undo(std::span<Submission* const> flight, std::int64_t certain_id, Acceptance verdict);
inline constexpr std::int64_t kNothingCertain = 0;  // below all ids

}  // namespace tps::domain
