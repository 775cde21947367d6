// The registry of API keys: KeyRegistry on every store.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "contract/fixture.hpp"
#include "ports/fault.hpp"

namespace tps::contract {
namespace {

using ports::ApiKey;
using ports::KeyHash;
using ports::KeyRegistry;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using Kind = StoreFault::Kind;

// Hashes that differ in their last bytes only, since a store must compare all of them.
KeyHash hash_of(std::uint32_t number) {
  KeyHash hash{};
  hash.fill(0xAB);
  for (std::size_t i = 0; i < 4; ++i) hash[31 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return hash;
}

ApiKey key(const std::string& id, domain::Timestamp created_at = kNow) {
  return {.id = id,
          .subject = "payments",
          .scopes = "transactions:read transactions:write",
          .created_at = created_at,
          .created_by = "cli:ada"};
}

class Keys : public StoreContract {
 protected:
  std::unique_ptr<KeyRegistry> registry() { return test_store_->keys(currencies_); }

  void add(const ApiKey& one, const KeyHash& hash) {
    const auto added = keys_->add(one, hash, soon());
    ASSERT_TRUE(added) << added.error().detail;
  }
  std::optional<ApiKey> found(const KeyHash& hash) {
    const auto answers = keys_->find(std::vector{hash}, soon());
    EXPECT_TRUE(answers) << answers.error().detail;
    return answers && answers->size() == 1 ? answers->front() : std::nullopt;
  }
  std::vector<ApiKey> listed() {
    const auto all = keys_->list(soon());
    EXPECT_TRUE(all) << all.error().detail;
    return all ? *all : std::vector<ApiKey>{};
  }
  // The error of adding this key; `unknown` when the registry adds it.
  Kind refusal(const ApiKey& one, const KeyHash& hash) {
    const auto added = keys_->add(one, hash, soon());
    return added ? Kind::unknown : added.error().kind;
  }

  const std::unique_ptr<KeyRegistry> keys_ = registry();
};
TPS_ON_EVERY_STORE(Keys);

TEST_P(Keys, AreNoneAtFirst) {
  EXPECT_THAT(listed(), IsEmpty());
  EXPECT_EQ(found(hash_of(1)), std::nullopt);
  const auto none = keys_->find({}, soon());
  ASSERT_TRUE(none) << none.error().detail;
  EXPECT_THAT(*none, IsEmpty());
  EXPECT_EQ(keys_->revoke("tps_live_nobody", "cli:ada", kNow, soon()).value(), false);
}

TEST_P(Keys, AreFoundAsTheyWereAdded) {
  const ApiKey plain = key("tps_live_plain");
  ApiKey full = key("tps_live_full", kNow + std::chrono::microseconds(1));
  full.only_user = "user_11";
  full.expires_at = kNow + std::chrono::days(3650) + std::chrono::microseconds(7);
  add(plain, hash_of(1));
  add(full, hash_of(2));
  EXPECT_THAT(found(hash_of(1)), Optional(plain));
  EXPECT_THAT(found(hash_of(2)), Optional(full));
  EXPECT_EQ(found(hash_of(3)), std::nullopt);
  EXPECT_EQ(found(KeyHash{}), std::nullopt);
  EXPECT_THAT(listed(), ElementsAre(plain, full));
  EXPECT_THAT(registry()->list(soon()).value(), ElementsAre(plain, full)) << "another session sees them";
  store_.reset();
  test_store_->reopen();
  EXPECT_THAT(registry()->list(soon()).value(), ElementsAre(plain, full)) << "and so does another process";
}

TEST_P(Keys, AreListedTheOldestFirst) {
  add(key("b", kNow), hash_of(1));
  add(key("c", kNow - std::chrono::seconds(1)), hash_of(2));
  add(key("a", kNow), hash_of(3));
  std::vector<std::string> ids;
  for (const ApiKey& one : listed()) ids.push_back(one.id);
  EXPECT_THAT(ids, ElementsAre("c", "a", "b"));
}

TEST_P(Keys, HaveAnIdAndAHashOfTheirOwn) {
  const ApiKey first = key("tps_live_first");
  add(first, hash_of(1));
  ApiKey other = key("tps_live_other");
  other.subject = "somebody else";
  EXPECT_EQ(refusal(other, hash_of(1)), Kind::refused);
  other.id = first.id;
  EXPECT_EQ(refusal(other, hash_of(2)), Kind::refused);
  EXPECT_EQ(refusal(first, hash_of(1)), Kind::refused);
  ASSERT_TRUE(keys_->revoke(first.id, "cli:ada", kNow, soon()).value());
  EXPECT_EQ(refusal(other, hash_of(2)), Kind::refused) << "nor is an id free once its key is revoked";
  EXPECT_EQ(refusal(key("tps_live_third"), hash_of(1)), Kind::refused);
  EXPECT_EQ(listed().size(), 1);
  EXPECT_EQ(found(hash_of(2)), std::nullopt);
  add(key("tps_live_third"), hash_of(3));
  EXPECT_EQ(listed().size(), 2) << "the session goes on";
}

TEST_P(Keys, AreRevokedOnce) {
  const ApiKey other = key("tps_live_other");
  ApiKey gone = key("tps_live_gone");
  add(gone, hash_of(1));
  add(other, hash_of(2));
  gone.revoked_at = kNow + std::chrono::seconds(5);
  gone.revoked_by = "cli:bob";
  EXPECT_EQ(keys_->revoke(gone.id, "cli:bob", *gone.revoked_at, soon()).value(), true);
  EXPECT_EQ(registry()->revoke(gone.id, "cli:eve", kNow + std::chrono::seconds(9), soon()).value(), true);
  EXPECT_EQ(keys_->revoke(gone.id, "cli:eve", kNow, soon()).value(), true);
  EXPECT_THAT(found(hash_of(1)), Optional(gone));
  EXPECT_THAT(found(hash_of(2)), Optional(other));
  EXPECT_THAT(listed(), ElementsAre(gone, other));
  for (const std::string& id : {std::string(), std::string("tps_live_gon"), gone.id + "e", gone.id + '\0'}) {
    EXPECT_EQ(keys_->revoke(id, "cli:bob", kNow, soon()).value(), false) << id;
  }
}

// The registry ignores the revocation in a key that is added.
TEST_P(Keys, AreNotRevokedWhenTheyAreAdded) {
  ApiKey one = key("tps_live_one");
  one.revoked_at = kNow;
  one.revoked_by = "cli:bob";
  add(one, hash_of(1));
  EXPECT_THAT(found(hash_of(1)), Optional(key("tps_live_one")));
}

TEST_P(Keys, KeepAnyText) {
  for (std::uint32_t number = 0;
       const std::string text : {"", " ", "'; DROP TABLE api_key_log; --", "a\"b\\c%d$1", "line\nfeed\r\ttab",
                                 "\x1b[31mred\x7f", "\xE2\x80\xA8 line separator", "\xC2\x85 next line",
                                 "\xF0\x9F\x92\xB0 \xC3\xBC", "\xE2\x80\xAEright to left", "NULL", "{a,b}"}) {
    ApiKey one = key("id " + text);
    one.subject = one.scopes = one.created_by = text;
    one.only_user = text;
    add(one, hash_of(++number));
    one.revoked_at = kNow;
    one.revoked_by = text;
    EXPECT_TRUE(keys_->revoke(one.id, text, kNow, soon()).value());
    EXPECT_THAT(found(hash_of(number)), Optional(one));
  }
}

// Every store refuses texts that one of the databases cannot keep.
TEST_P(Keys, RefuseNul) {
  const std::string nul("a\0b", 3);
  add(key("tps_live_one"), hash_of(1));
  std::uint32_t number = 1;
  for (std::string ApiKey::* member : {&ApiKey::id, &ApiKey::subject, &ApiKey::scopes, &ApiKey::created_by}) {
    ApiKey bad = key("tps_live_bad");
    bad.*member = nul;
    EXPECT_EQ(refusal(bad, hash_of(++number)), Kind::refused);
  }
  ApiKey bad = key("tps_live_bad");
  bad.only_user = nul;
  EXPECT_EQ(refusal(bad, hash_of(++number)), Kind::refused);
  const auto revoked = keys_->revoke("tps_live_one", nul, kNow, soon());
  ASSERT_FALSE(revoked);
  EXPECT_EQ(revoked.error().kind, Kind::refused);
  EXPECT_THAT(listed(), ElementsAre(key("tps_live_one")));
}

TEST_P(Keys, AreFoundAThousandAtOnce) {
  constexpr std::uint32_t kThousand = 1'000;
  for (std::uint32_t number = 0; number < 30; ++number) add(key(std::to_string(number)), hash_of(number * 7));
  std::vector<KeyHash> hashes;
  hashes.reserve(kThousand);
  for (std::uint32_t number = 0; number < kThousand; ++number) hashes.push_back(hash_of(kThousand - 1 - number));
  hashes.back() = hashes[kThousand - 1 - 203];  // one of them twice
  const auto answers = keys_->find(hashes, soon());
  ASSERT_TRUE(answers) << answers.error().detail;
  ASSERT_EQ(answers->size(), kThousand);
  for (std::uint32_t i = 0; i < kThousand; ++i) {
    const std::uint32_t number = i == kThousand - 1 ? 203 : kThousand - 1 - i;
    const bool known = number % 7 == 0 && number / 7 < 30;
    ASSERT_EQ((*answers)[i].has_value(), known) << number;
    if (known) {
      ASSERT_EQ((*answers)[i]->id, std::to_string(number / 7));
    }
  }
}

// Each of several sessions adds, finds and revokes its own; all fight for the same ids besides.
TEST_P(Keys, AreAddedAndRevokedByManyAtOnce) {
  constexpr std::uint32_t kSessions = 6;
  constexpr std::uint32_t kEach = 20;
  std::atomic<int> contested = 0;
  std::atomic<int> failures = 0;
  const auto work = [&](std::uint32_t session) {
    const auto mine = registry();
    for (std::uint32_t i = 0; i < kEach; ++i) {
      const std::uint32_t number = session * 1'000 + i;
      const std::string id = std::to_string(number);
      const bool good = mine->add(key(id), hash_of(number), soon()).has_value() &&
                        mine->revoke(id, "cli:" + id, kNow, soon()).value_or(false) &&
                        mine->find(std::vector{hash_of(number)}, soon()).value().front()->revoked_by == "cli:" + id;
      failures += good ? 0 : 1;
      const auto added = mine->add(key("contested " + std::to_string(i)), hash_of(900'000 + number), soon());
      contested += added ? 1 : 0;
      failures += added || added.error().kind == Kind::refused ? 0 : 1;
      failures += mine->revoke("contested " + std::to_string(i), "cli:" + id, kNow, soon()).value_or(false) ? 0 : 1;
    }
  };
  {
    std::vector<std::jthread> threads;
    threads.reserve(kSessions);
    for (std::uint32_t session = 0; session < kSessions; ++session) threads.emplace_back(work, session);
  }
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(contested, kEach);
  const auto all = listed();
  EXPECT_EQ(all.size(), (kSessions + 1) * kEach);
  for (const ApiKey& one : all) EXPECT_TRUE(one.revoked_at) << one.id;
}

using KeyTable = Keys;
TPS_ON_EVERY_DATABASE(KeyTable);

TEST_P(KeyTable, EndsByTheDeadline) {
  const ports::Deadline past = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  const auto kind_of = [](const auto& answer) { return answer ? Kind::unknown : answer.error().kind; };
  EXPECT_EQ(kind_of(keys_->add(key("tps_live_late"), hash_of(1), past)), Kind::unavailable);
  EXPECT_EQ(kind_of(keys_->revoke("tps_live_late", "cli:ada", kNow, past)), Kind::unavailable);
  EXPECT_EQ(kind_of(keys_->find(std::vector{hash_of(1)}, past)), Kind::unavailable);
  EXPECT_EQ(kind_of(keys_->list(past)), Kind::unavailable);
  EXPECT_THAT(listed(), IsEmpty());
}

TEST_P(KeyTable, RefusesToBeRewritten) {
  add(key("one"), hash_of(1));
  ASSERT_TRUE(keys_->revoke("one", "cli:ada", kNow, soon()).value());
  add(key("two"), hash_of(2));
  for (const std::string statement :
       {"UPDATE api_key_log SET scopes = 'admin' WHERE action = 'c'", "UPDATE api_key_log SET key_id = key_id",
        "DELETE FROM api_key_log WHERE action = 'r'", "DELETE FROM api_key_log"}) {
    EXPECT_FALSE(test_store_->sql(statement)) << statement;
  }
  EXPECT_EQ(listed().size(), 2);
  EXPECT_TRUE(found(hash_of(1))->revoked_at);
}

TEST_P(KeyTable, RefusesRowsThatMakeNoSense) {
  add(key("one"), hash_of(1));
  const bool sqlite = GetParam().name == "sqlite";
  const std::string insert =
      "INSERT INTO api_key_log (done_by, done_at, key_id, action, key_hash, subject, scopes) VALUES ('eve', " +
      std::string(sqlite ? "0" : "'2026-01-01Z'");
  for (const char* values : {
           ", 'two', 'c', NULL, 's', 'admin')",              // no hash
           sqlite ? ", 'two', 'c', x'00', 's', 'admin')"     //
                  : ", 'two', 'c', '\\x00', 's', 'admin')",  // a short one
           ", 'one', 'r', NULL, NULL, 'admin')",             // a revocation with scopes
           ", 'one', 'x', NULL, NULL, NULL)",                // an unknown action
           ", NULL, 'r', NULL, NULL, NULL)",                 // a revocation without a key id
       }) {
    EXPECT_FALSE(test_store_->sql(insert + values)) << values;
  }
  EXPECT_TRUE(test_store_->sql(insert + ", 'one', 'r', NULL, NULL, NULL)")) << "all but these are good";
  EXPECT_EQ(listed().size(), 1);
}

TEST_P(KeyTable, IsMissingBeforeTheMigration) {
  ASSERT_TRUE(test_store_->sql("UPDATE store SET schema = 2"));
  const auto kind_of = [](const auto& answer) { return answer ? Kind::unknown : answer.error().kind; };
  const auto fresh = registry();
  EXPECT_EQ(kind_of(fresh->add(key("one"), hash_of(1), soon())), Kind::incompatible);
  EXPECT_EQ(kind_of(fresh->revoke("one", "cli:ada", kNow, soon())), Kind::incompatible);
  EXPECT_EQ(kind_of(fresh->find(std::vector{hash_of(1)}, soon())), Kind::incompatible);
  EXPECT_EQ(kind_of(fresh->list(soon())), Kind::incompatible);
  EXPECT_THAT(fresh->list(soon()).error().detail, ::testing::HasSubstr("tps migrate"));
}

}  // namespace
}  // namespace tps::contract
