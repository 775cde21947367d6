#include "domain/acceptance.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tps::domain {
namespace {

using std::chrono::microseconds;

constexpr Timestamp kNow{microseconds{1'000}};

Hash128 hash(std::uint8_t first) { return Hash128{first}; }

Submission item(const std::string& user, std::uint8_t key = 0, std::uint8_t content = 0,
                std::optional<std::string> reference = std::nullopt, std::uint32_t group = 0) {
  Submission submission;
  submission.transaction.user_id = user;
  submission.transaction.reference = std::move(reference);
  if (key != 0) {
    submission.transaction.idempotency_hash = hash(key);
    submission.transaction.content_hash = hash(content);
  }
  submission.group = group;
  return submission;
}

struct Flight {
  std::vector<Submission> items;
  std::vector<Submission*> pointers;

  explicit Flight(std::vector<Submission> list) : items(std::move(list)) {
    pointers.reserve(items.size());
    for (Submission& one : items) pointers.push_back(&one);
  }
  std::size_t accept(const Existing& existing = {}, Timestamp last = {}, Timestamp now = kNow) {
    return domain::accept(pointers, existing, 10, last, now);
  }
};

TEST(Acceptance, IdsFollowWithoutGaps) {
  Flight flight({item("a"), item("b"), item("c")});
  EXPECT_EQ(flight.accept(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(flight.items[i].acceptance, Acceptance::accepted);
    EXPECT_EQ(flight.items[i].transaction.id, 11 + static_cast<std::int64_t>(i));
    EXPECT_EQ(flight.items[i].transaction.created_at, kNow);
  }
}

TEST(Acceptance, TimeNeverRunsBack) {
  Flight flight({item("a")});
  flight.accept({}, Timestamp{microseconds{5'000}});
  EXPECT_EQ(flight.items[0].transaction.created_at, Timestamp{microseconds{5'000}});
}

TEST(Acceptance, AChildIsAcceptedBesideItsParentOnly) {
  Transaction parent;
  parent.id = 5;
  parent.user_id = "a";
  parent.created_at = Timestamp{microseconds{100}};
  Transaction settled = parent;
  settled.status = Status::settled;
  Transaction later = parent;  // another history has it under this id
  later.created_at = Timestamp{microseconds{200}};
  Transaction of_another = parent;
  of_another.user_id = "b";
  for (const auto& [in_the_log, expected] : {std::pair{std::optional(settled), Acceptance::accepted},
                                             {std::nullopt, Acceptance::stale_parent},
                                             {std::optional(later), Acceptance::stale_parent},
                                             {std::optional(of_another), Acceptance::stale_parent}}) {
    Existing existing;
    if (in_the_log) existing.parents.emplace(5, *in_the_log);
    Flight flight({item("a"), item("b")});
    flight.items[0].parent = std::make_shared<const Transaction>(parent);
    EXPECT_EQ(flight.accept(existing), expected == Acceptance::accepted ? 2U : 1U);
    EXPECT_EQ(flight.items[0].acceptance, expected);
    EXPECT_EQ(flight.items[1].acceptance, Acceptance::accepted);
    domain::undo(flight.pointers, kNothingCertain, Acceptance::unavailable);
    EXPECT_EQ(flight.items[0].acceptance,
              expected == Acceptance::accepted ? Acceptance::unavailable : Acceptance::stale_parent);
  }
}

TEST(Acceptance, AStoredKeyReplaysOrIsRefused) {
  Existing existing;
  existing.by_key[hash(1)].id = 7;
  existing.by_key[hash(1)].content_hash = hash(9);
  existing.by_key[hash(1)].status = Status::settled;
  Flight flight({item("a", 1, 9), item("a", 1, 8), item("a", 2, 9)});
  EXPECT_EQ(flight.accept(existing), 1U);
  EXPECT_EQ(flight.items[0].acceptance, Acceptance::replayed);
  EXPECT_EQ(flight.items[0].transaction.id, 7);
  EXPECT_EQ(flight.items[0].transaction.status, Status::settled);
  EXPECT_EQ(flight.items[1].acceptance, Acceptance::key_reused);
  EXPECT_EQ(flight.items[2].transaction.id, 11);
}

TEST(Acceptance, WithinAFlightTheFirstOneWins) {
  Flight flight({item("a", 1, 9), item("a", 1, 9), item("a", 1, 8), item("a", 0, 0, "r"), item("a", 0, 0, "r"),
                 item("b", 0, 0, "r")});
  EXPECT_EQ(flight.accept(), 3U);
  EXPECT_EQ(flight.items[1].acceptance, Acceptance::replayed);
  EXPECT_EQ(flight.items[1].transaction.id, flight.items[0].transaction.id);
  EXPECT_EQ(flight.items[2].acceptance, Acceptance::key_reused);
  EXPECT_EQ(flight.items[4].acceptance, Acceptance::duplicate_reference);
  EXPECT_EQ(flight.items[4].existing_id, flight.items[3].transaction.id);
  EXPECT_EQ(flight.items[5].acceptance, Acceptance::accepted);
}

TEST(Acceptance, AGroupIsAllOrNothingAndLeavesNoGapNorTrace) {
  Existing existing;
  existing.by_reference[{"a", "taken"}] = 3;
  Flight flight({item("a", 1, 1, "x", 1), item("a", 2, 2, "taken", 1), item("a", 1, 5, "x"), item("b", 0, 0, {}, 2),
                 item("c", 0, 0, {}, 2)});
  EXPECT_EQ(flight.accept(existing), 3U);
  EXPECT_EQ(flight.items[0].acceptance, Acceptance::group_refused);
  EXPECT_EQ(flight.items[1].acceptance, Acceptance::duplicate_reference);
  EXPECT_EQ(flight.items[2].acceptance, Acceptance::accepted);  // the refused group's key and reference are free
  EXPECT_EQ(flight.items[2].transaction.id, 11);
  EXPECT_EQ(flight.items[4].transaction.id, 13);
}

TEST(Acceptance, ARefusedGroupNamesNoIdThatWillNeverBe) {
  Flight flight({item("a", 0, 0, "same", 1), item("a", 0, 0, "same", 1)});
  EXPECT_EQ(flight.accept(), 0U);
  EXPECT_EQ(flight.items[0].acceptance, Acceptance::group_refused);
  EXPECT_EQ(flight.items[1].acceptance, Acceptance::duplicate_reference);
  EXPECT_EQ(flight.items[1].existing_id, 0);
}

TEST(Acceptance, AGroupThatWasAcceptedBeforeReplaysAsAWhole) {
  Existing existing;
  existing.by_key[hash(1)].id = 4;
  existing.by_key[hash(1)].content_hash = hash(1);
  existing.by_key[hash(2)].id = 5;
  existing.by_key[hash(2)].content_hash = hash(2);
  Flight flight({item("a", 1, 1, {}, 1), item("a", 2, 2, {}, 1)});
  EXPECT_EQ(flight.accept(existing), 0U);
  EXPECT_EQ(flight.items[0].acceptance, Acceptance::replayed);
  EXPECT_EQ(flight.items[1].transaction.id, 5);
}

TEST(Acceptance, UndoTakesBackDecisionsThatRestOnTheFlight) {
  Existing existing;
  existing.by_key[hash(1)].id = 4;
  existing.by_key[hash(1)].content_hash = hash(1);
  Flight flight({item("a", 1, 1), item("a", 2, 2), item("a", 2, 2), item("a", 1, 3)});
  flight.accept(existing);
  undo(flight.pointers, 10, Acceptance::unknown);
  EXPECT_EQ(flight.items[0].acceptance, Acceptance::replayed);
  EXPECT_EQ(flight.items[1].acceptance, Acceptance::unknown);
  EXPECT_EQ(flight.items[2].acceptance, Acceptance::unknown);
  EXPECT_EQ(flight.items[3].acceptance, Acceptance::unavailable);  // a refusal added nothing
  undo(flight.pointers, kNothingCertain, Acceptance::unavailable);
  EXPECT_EQ(flight.items[0].acceptance, Acceptance::unavailable);
  EXPECT_EQ(flight.items[0].transaction.id, 0);
}

TEST(Acceptance, UndoKeepsARefusalByADurableReference) {
  Existing existing;
  existing.by_reference[{"a", "old"}] = 3;
  const auto decided = [&](std::int64_t certain_id) {
    Flight flight({item("a", 0, 0, "old"), item("a", 0, 0, "new"), item("a", 0, 0, "new")});
    flight.accept(existing);
    undo(flight.pointers, certain_id, Acceptance::undecided);
    std::vector<std::pair<Acceptance, std::int64_t>> outcomes;
    for (const Submission& one : flight.items) outcomes.emplace_back(one.acceptance, one.existing_id);
    return outcomes;
  };
  const std::pair undone{Acceptance::undecided, std::int64_t{0}};
  EXPECT_EQ(decided(10), (std::vector{std::pair{Acceptance::duplicate_reference, std::int64_t{3}}, undone, undone}));
  EXPECT_EQ(decided(kNothingCertain), (std::vector{undone, undone, undone}));
}

// Before it is accepted, a hold's time to live counts from 0.
Submission hold(std::uint8_t key = 0, std::uint8_t content = 0, std::uint32_t group = 0) {
  Submission submission = item("a", key, content, std::nullopt, group);
  submission.transaction.capture = Capture::manual;
  submission.transaction.hold_expires_at = Timestamp{microseconds{60}};
  return submission;
}

TEST(Acceptance, AHoldLivesFromWhenItIsAccepted) {
  Flight flight({hold(), hold(), item("a")});
  flight.accept({}, Timestamp{microseconds{5'000}});
  for (const std::size_t i : {0U, 1U}) {
    EXPECT_EQ(flight.items[i].transaction.created_at, Timestamp{microseconds{5'000}});
    EXPECT_EQ(flight.items[i].transaction.hold_expires_at, Timestamp{microseconds{5'060}});
  }
  EXPECT_EQ(flight.items[2].transaction.hold_expires_at, std::nullopt);
}

// As often as a commit fails: the time to live is neither lost nor added twice.
TEST(Acceptance, AnUndoneHoldIsAsItWasSubmitted) {
  Flight flight({hold(1, 1), hold(1, 1)});
  const Submission before = flight.items[0];
  for (int attempt = 1; attempt <= 3; ++attempt) {
    const Timestamp now{microseconds{1'000 * attempt}};
    EXPECT_EQ(flight.accept({}, {}, now), 1U);
    EXPECT_EQ(flight.items[0].transaction.hold_expires_at, now + microseconds{60});
    EXPECT_EQ(flight.items[1].acceptance, Acceptance::replayed);
    EXPECT_EQ(flight.items[1].transaction, flight.items[0].transaction);
    undo(flight.pointers, 10, Acceptance::undecided);
    for (const Submission& one : flight.items) {
      EXPECT_EQ(one.acceptance, Acceptance::undecided);
      EXPECT_EQ(one.transaction, before.transaction);
    }
  }
}

TEST(Acceptance, AReplayOfAHoldIsTheStoredOne) {
  Existing existing;
  Transaction& stored = existing.by_key[hash(1)];
  stored.id = 7;
  stored.content_hash = hash(1);
  stored.created_at = Timestamp{microseconds{500}};
  stored.hold_expires_at = Timestamp{microseconds{560}};
  stored.status = Status::voided;
  Flight flight({hold(1, 1)});
  EXPECT_EQ(flight.accept(existing), 0U);
  EXPECT_EQ(flight.items[0].transaction, stored);
}

// Also one that was a replay of a stored one: it goes back to how it was submitted.
TEST(Acceptance, AHoldOfARefusedGroupIsAsItWasSubmitted) {
  Existing existing;
  existing.by_reference[{"a", "taken"}] = 3;
  Transaction& stored = existing.by_key[hash(2)];
  stored.id = 7;
  stored.content_hash = hash(2);
  stored.created_at = Timestamp{microseconds{500}};
  stored.hold_expires_at = Timestamp{microseconds{560}};
  Flight flight({hold(1, 1, 1), hold(2, 2, 1), item("a", 0, 0, "taken", 1)});
  EXPECT_EQ(flight.accept(existing), 0U);
  for (const std::size_t i : {0U, 1U}) {
    EXPECT_EQ(flight.items[i].acceptance, Acceptance::group_refused);
    EXPECT_EQ(flight.items[i].transaction.id, 0);
    EXPECT_EQ(flight.items[i].transaction.created_at, Timestamp{});
    EXPECT_EQ(flight.items[i].transaction.hold_expires_at, Timestamp{microseconds{60}});
  }
}

}  // namespace
}  // namespace tps::domain
