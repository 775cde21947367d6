// Store::append: the outcomes of a flight.
#include <gmock/gmock.h>

#include "contract/fixture.hpp"

namespace tps::contract {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using enum Acceptance;

using Appending = StoreContract;
TPS_ON_EVERY_STORE(Appending);

TEST_P(Appending, CountsIdsFromOneWithoutGaps) {
  EXPECT_EQ(add(*store_, deposit("a")).id, 1);
  EXPECT_EQ(add(*store_, deposit("b")).id, 2);
  const auto flight = submit(*store_, {deposit("a"), deposit("b"), deposit("a")});
  EXPECT_THAT(verdicts_of(flight), Each(accepted));
  EXPECT_EQ(flight[0].transaction.id, 3);
  EXPECT_EQ(flight[2].transaction.id, 5);
}

TEST_P(Appending, KeepsEveryMember) {
  Transaction full = with_key(transfer("payer", "receiver", 9'223'372'036'854'775'807), 7, 9);
  full.reference = "invoice 7";
  full.description = std::string(1'000, 'x');
  full.metadata = R"({"k":"v \" \\ é 😀"})";
  full.parent_id = 4'503'599'627'370'497;
  full.capture = domain::Capture::manual;
  full.hold_expires_at = Timestamp{std::chrono::days(7)};  // counts from when it is accepted
  full.overdraft_limit = 9'223'372'036'854'775'807;
  full.frozen = false;
  const Transaction stored = add(*store_, full);
  full.hold_expires_at = kNow + std::chrono::days(7);
  full.id = 1;
  full.created_at = kNow;
  EXPECT_EQ(stored, full);
  EXPECT_EQ(found(*store_, 1), full);
}

TEST_P(Appending, KeepsUnusualTextAsItIs) {
  const std::vector<std::string> texts = {"'",         "\"; DROP TABLE x; --",
                                          "\\",        "\\N",
                                          "{a,\"b\"}", "NULL",
                                          " ",         "%s%n",
                                          "é",         "e\u0301",
                                          "日本語",    "😀",
                                          "\u202Eabc", "\uFEFF",
                                          "a\tb\nc",   std::string(128, 'u')};
  for (const std::string& text : texts) {
    Transaction transaction = deposit(text);
    transaction.reference = text;
    transaction.description = text;
    transaction.created_by = text;
    const Transaction stored = found(*store_, add(*store_, transaction).id);
    EXPECT_EQ(stored.user_id, text);
    EXPECT_EQ(stored.reference, text);
    EXPECT_EQ(stored.description, text);
    EXPECT_EQ(stored.created_by, text);
    EXPECT_EQ(listed(*store_, {.user_id = text}).transactions.size(), 1) << text;
  }
}

TEST_P(Appending, TellsEmptyTextFromNone) {
  Transaction empty = deposit("a");
  empty.reference = empty.description = empty.metadata = "";
  const Transaction none = found(*store_, add(*store_, deposit("a")).id);
  const Transaction stored = found(*store_, add(*store_, empty).id);
  EXPECT_EQ(stored.reference, "");
  EXPECT_EQ(stored.description, "");
  EXPECT_EQ(none.reference, std::nullopt);
  EXPECT_EQ(none.description, std::nullopt);
}

TEST_P(Appending, ReplaysAKeyWithTheSameContentAsItStandsNow) {
  const Transaction first = add(*store_, with_key(deposit("a"), 1));
  settle(*store_);
  const auto again = submit(*store_, {with_key(deposit("a"), 1)}, {}, kNow + std::chrono::hours(1));
  EXPECT_EQ(again[0].acceptance, replayed);
  EXPECT_EQ(again[0].transaction.id, first.id);
  EXPECT_EQ(again[0].transaction.created_at, first.created_at);
  EXPECT_EQ(again[0].transaction.status, Status::settled);
  EXPECT_EQ(add(*store_, deposit("a")).id, 2) << "a replay adds nothing";
}

TEST_P(Appending, RefusesAKeyWithOtherContent) {
  add(*store_, with_key(deposit("a"), 1, 1));
  EXPECT_EQ(submit(*store_, {with_key(deposit("a"), 1, 2)})[0].acceptance, key_reused);
  EXPECT_EQ(add(*store_, deposit("a")).id, 2);
}

TEST_P(Appending, RefusesAReferenceThatTheUserHasAlready) {
  const Transaction first = add(*store_, with_reference(deposit("a"), "r"));
  const auto again = submit(*store_, {with_reference(deposit("a"), "r"), with_reference(deposit("b"), "r")});
  EXPECT_THAT(verdicts_of(again), ElementsAre(duplicate_reference, accepted));
  EXPECT_EQ(again[0].existing_id, first.id);
  EXPECT_EQ(again[1].transaction.id, 2);
}

TEST_P(Appending, LooksAtTheKeyBeforeTheReference) {
  add(*store_, with_key(with_reference(deposit("a"), "r"), 1));
  EXPECT_EQ(submit(*store_, {with_key(with_reference(deposit("a"), "r"), 1)})[0].acceptance, replayed);
}

TEST_P(Appending, FindsARepeatedKeyWithinTheFlight) {
  const auto flight = submit(*store_, {with_key(deposit("a"), 1, 1), with_key(deposit("a"), 1, 1),
                                       with_key(deposit("a"), 1, 2), deposit("a")});
  EXPECT_THAT(verdicts_of(flight), ElementsAre(accepted, replayed, key_reused, accepted));
  EXPECT_EQ(flight[1].transaction.id, flight[0].transaction.id);
  EXPECT_EQ(flight[3].transaction.id, 2);
}

TEST_P(Appending, FindsARepeatedReferenceWithinTheFlight) {
  const auto flight = submit(*store_, {with_reference(deposit("a"), "r"), with_reference(deposit("a"), "r")});
  EXPECT_THAT(verdicts_of(flight), ElementsAre(accepted, duplicate_reference));
  EXPECT_EQ(flight[1].existing_id, flight[0].transaction.id);
}

TEST_P(Appending, AcceptsAGroupTogetherOrNotAtAll) {
  add(*store_, with_reference(deposit("a"), "taken"));
  const auto flight = submit(
      *store_,
      {deposit("a"), deposit("b"), with_reference(deposit("a"), "taken"), deposit("c"), deposit("d"), deposit("e")},
      {1, 1, 1, 2, 2, 0});
  EXPECT_THAT(verdicts_of(flight),
              ElementsAre(group_refused, group_refused, duplicate_reference, accepted, accepted, accepted));
  EXPECT_EQ(flight[3].transaction.id, 2);
  EXPECT_EQ(flight[5].transaction.id, 4);
  EXPECT_EQ(listed(*store_, {}).transactions.size(), 4);
}

TEST_P(Appending, ForgetsKeysAndReferencesOfARefusedGroup) {
  const auto flight = submit(*store_,
                             {with_key(with_reference(deposit("a"), "r"), 1), with_key(deposit("a"), 2, 1),
                              with_key(deposit("a"), 2, 2), with_key(with_reference(deposit("a"), "r"), 1)},
                             {1, 1, 1, 0});
  EXPECT_THAT(verdicts_of(flight), ElementsAre(group_refused, group_refused, key_reused, accepted));
  EXPECT_EQ(flight[3].transaction.id, 1);
}

TEST_P(Appending, LeavesDecidedSubmissionsAlone) {
  std::vector<Submission> flight(3);
  for (Submission& submission : flight) submission.transaction = deposit("a");
  flight[0].acceptance = key_reused;
  flight[2].acceptance = unavailable;
  store_->append(std::vector{&flight.front(), &flight[1], &flight.back()}, kNow, soon());
  EXPECT_THAT(verdicts_of(flight), ElementsAre(key_reused, accepted, unavailable));
  EXPECT_EQ(flight[1].transaction.id, 1);
  EXPECT_EQ(listed(*store_, {}).transactions.size(), 1);
}

TEST_P(Appending, NeverLetsTimeRunBack) {
  EXPECT_EQ(add(*store_, deposit("a"), kNow).created_at, kNow);
  EXPECT_EQ(add(*store_, deposit("a"), kNow - std::chrono::hours(1)).created_at, kNow);
  const Timestamp later = kNow + std::chrono::microseconds(1);
  EXPECT_EQ(add(*store_, deposit("a"), later).created_at, later);
}

TEST_P(Appending, RefusesAZeroCharacterInThatItemAlone) {
  using std::string_literals::operator""s;
  Transaction in_user = deposit("a\0b"s);
  Transaction in_reference = with_reference(deposit("a"), "\0"s);
  Transaction in_description = deposit("a");
  in_description.description = "x\0"s;
  Transaction in_metadata = deposit("a");
  in_metadata.metadata = "{\"k\":\"\0\"}"s;
  const auto flight =
      submit(*store_, {deposit("a"), in_user, deposit("b"), in_reference, in_description, in_metadata, deposit("c")});
  EXPECT_THAT(verdicts_of(flight),
              ElementsAre(accepted, unprocessable, accepted, unprocessable, unprocessable, unprocessable, accepted));
  EXPECT_EQ(flight[6].transaction.id, 3);
}

TEST_P(Appending, RefusesTheGroupOfAnItemThatItCannotStore) {
  using std::string_literals::operator""s;
  const auto flight = submit(*store_, {deposit("a"), deposit("\0"s), deposit("b"), deposit("c")}, {1, 1, 1, 0});
  EXPECT_THAT(verdicts_of(flight), ElementsAre(group_refused, unprocessable, group_refused, accepted));
  EXPECT_EQ(flight[3].transaction.id, 1);
}

TEST_P(Appending, TakesAThousandAtOnce) {
  std::vector<Transaction> many;
  many.reserve(1'000);
  for (std::uint64_t i = 0; i < 1'000; ++i) many.push_back(with_key(deposit("user" + std::to_string(i % 7)), i));
  const auto flight = submit(*store_, many);
  EXPECT_THAT(verdicts_of(flight), Each(accepted));
  EXPECT_EQ(flight.back().transaction.id, 1'000);
  EXPECT_THAT(verdicts_of(submit(*store_, many)), Each(replayed));
  EXPECT_EQ(add(*store_, deposit("z")).id, 1'001);
}

TEST_P(Appending, AnswersUnavailableOnceTheDeadlineHasPassed) {
  Submission submission;
  submission.transaction = deposit("a");
  store_->append(std::vector{&submission}, kNow, std::chrono::steady_clock::now() - std::chrono::seconds(1));
  EXPECT_EQ(submission.acceptance, unavailable);
  EXPECT_TRUE(listed(*store_, {}).transactions.empty());
}

TEST_P(Appending, TakesAnEmptyFlight) {
  store_->append({}, kNow, soon());
  EXPECT_TRUE(listed(*store_, {}).transactions.empty());
}

TEST_P(Appending, KeepsWhatItAcceptedOverARestart) {
  const Transaction stored = add(*store_, with_key(deposit("a"), 1));
  store_.reset();
  test_store_->reopen();
  const auto store = session();
  EXPECT_EQ(found(*store, stored.id), stored);
  EXPECT_EQ(submit(*store, {with_key(deposit("a"), 1)})[0].acceptance, replayed);
  EXPECT_EQ(add(*store, deposit("a")).id, 2);
}

}  // namespace
}  // namespace tps::contract
