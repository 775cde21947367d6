// Whatever a flight brings and whatever the log holds: undo() gives back what accept() was given.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>
#include <tuple>
#include <vector>

#include "domain/acceptance.hpp"

namespace tps::domain {
namespace {

using std::chrono::microseconds;

constexpr std::int64_t kLastId = 40;

struct Flight {
  std::vector<Submission> items;

  std::vector<Submission*> pointers() {
    std::vector<Submission*> all;
    for (Submission& one : items) all.push_back(&one);
    return all;
  }
};

// Few keys, references and groups, so that they meet.
Submission random_submission(std::uint32_t group) {
  Submission submission;
  submission.group = group;
  Transaction& transaction = submission.transaction;
  transaction.user_id = *rc::gen::element<std::string>("ada", "bob");
  if (const auto key = *rc::gen::inRange<std::uint8_t>(0, 4); key != 0) {
    transaction.idempotency_hash = Hash128{key};
    transaction.content_hash = Hash128{*rc::gen::inRange<std::uint8_t>(1, 3)};
  }
  if (*rc::gen::arbitrary<bool>()) transaction.reference = *rc::gen::element<std::string>("r1", "r2", "r3");
  if (*rc::gen::arbitrary<bool>()) {
    transaction.capture = Capture::manual;
    transaction.hold_expires_at = Timestamp{microseconds{*rc::gen::inRange(1, 1'000)}};
  }
  return submission;
}

Flight random_flight() {
  Flight flight;
  const int groups = *rc::gen::inRange(1, 5);
  for (int group = 1; group <= groups; ++group) {
    const bool atomic = *rc::gen::arbitrary<bool>();
    const int size = *rc::gen::inRange(1, 4);
    for (int i = 0; i < size; ++i) {
      flight.items.push_back(random_submission(atomic ? static_cast<std::uint32_t>(group) : 0));
    }
  }
  return flight;
}

Existing random_log() {
  Existing existing;
  const int rows = *rc::gen::inRange(0, 4);
  for (std::int64_t id = 1; id <= rows; ++id) {
    Transaction stored = random_submission(0).transaction;
    stored.id = id;
    stored.created_at = Timestamp{microseconds{id}};
    if (stored.idempotency_hash) existing.by_key[*stored.idempotency_hash] = stored;
    if (stored.reference) existing.by_reference[{stored.user_id, *stored.reference}] = id;
  }
  return existing;
}

auto decision(const Submission& item) { return std::tuple(item.acceptance, item.existing_id, item.transaction); }

TEST(AcceptanceProperty, AFlightThatIsUndoneAndFliesAgainIsDecidedAsBefore) {
  rc::check([] {
    const Existing existing = random_log();
    Flight flight = random_flight();
    const std::vector<Submission*> items = flight.pointers();
    const auto certain = *rc::gen::element(kLastId, kNothingCertain);
    const Timestamp now{microseconds{5'000}};
    const std::size_t accepted = accept(items, existing, kLastId, {}, now);
    const Flight decided = flight;
    undo(items, certain, Acceptance::undecided);
    for (const Submission& one : flight.items) {
      RC_ASSERT(one.acceptance != Acceptance::accepted);
      RC_ASSERT(one.transaction.id <= certain);
    }
    const std::size_t again = accept(items, existing, kLastId, {}, now);
    RC_ASSERT(again == accepted);
    for (std::size_t i = 0; i < items.size(); ++i) RC_ASSERT(decision(flight.items[i]) == decision(decided.items[i]));
  });
}

TEST(AcceptanceProperty, AFailedCommitLeavesNoSubmissionAccepted) {
  rc::check([] {
    const Existing existing = random_log();
    Flight flight = random_flight();
    const std::vector<Submission*> items = flight.pointers();
    accept(items, existing, kLastId, {}, Timestamp{microseconds{5'000}});
    const Flight decided = flight;
    undo(items, kNothingCertain, Acceptance::unknown);
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Acceptance before = decided.items[i].acceptance;
      const bool perhaps = before == Acceptance::accepted || before == Acceptance::replayed;
      RC_ASSERT(flight.items[i].acceptance == (perhaps ? Acceptance::unknown : Acceptance::unavailable));
      RC_ASSERT(flight.items[i].transaction.id == 0);
      RC_ASSERT(flight.items[i].existing_id == 0);
    }
  });
}

}  // namespace
}  // namespace tps::domain
