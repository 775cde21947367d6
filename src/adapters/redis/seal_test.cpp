#include "adapters/redis/seal.hpp"

#include <gtest/gtest.h>

#include "adapters/redis/transaction_codec.hpp"
#include "ports/store.hpp"

namespace tps::redis {
namespace {

constexpr std::string_view kLineage = "0123";

ports::StoreIdentity store() {
  return {.store_id = "6f1c", .schema = 3, .partitions = 1, .cache_secret = std::vector<std::uint8_t>(32, 7)};
}

domain::Transaction settled(std::int64_t id) {
  domain::Transaction transaction;
  transaction.id = id;
  transaction.user_id = "user_11";
  transaction.amount_minor = 1275;
  transaction.currency = "USD";
  transaction.status = domain::Status::settled;
  return transaction;
}

TEST(Seal, KeysCarryStoreSchemaAndLineage) { EXPECT_EQ(Seal(store()).key(kLineage, 12), "tps:{6f1c}:3:0123:txn:12"); }

TEST(Seal, OpensWhatItSealed) {
  Seal seal(store());
  for (std::int64_t id = 1; id <= 3; ++id) {
    const std::string value = seal.seal(seal.key(kLineage, id), settled(id));
    EXPECT_EQ(Seal(store()).open(seal.key(kLineage, id), id, value), settled(id));
  }
}

TEST(Seal, RefusesEveryChangedBit) {
  Seal seal(store());
  const std::string good = seal.seal(seal.key(kLineage, 1), settled(1));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string value = good;
    value[bit / 8] = static_cast<char>(value[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_FALSE(seal.open(seal.key(kLineage, 1), 1, value)) << bit;
  }
}

TEST(Seal, RefusesEveryTruncationAndAddition) {
  Seal seal(store());
  const std::string good = seal.seal(seal.key(kLineage, 1), settled(1));
  for (std::size_t size = 0; size < good.size(); ++size) {
    ASSERT_FALSE(seal.open(seal.key(kLineage, 1), 1, good.substr(0, size))) << size;
  }
  EXPECT_FALSE(seal.open(seal.key(kLineage, 1), 1, good + '\0'));
}

TEST(Seal, RefusesWhatBelongsElsewhere) {
  Seal seal(store());
  const std::string key = seal.key(kLineage, 1);
  const std::string good = seal.seal(key, settled(1));
  ASSERT_TRUE(seal.open(key, 1, good));
  EXPECT_FALSE(seal.open(seal.key(kLineage, 2), 1, good)) << "sealed for another key";
  EXPECT_FALSE(seal.open(seal.key("4567", 1), 1, good)) << "sealed for another history";
  EXPECT_FALSE(seal.open(key, 1, seal.seal(key, settled(2)))) << "another id inside";

  ports::StoreIdentity other = store();
  other.cache_secret.back() ^= 1;
  EXPECT_FALSE(Seal(other).open(key, 1, good)) << "another secret";
}

TEST(Seal, RefusesWhatIsNotFinal) {
  Seal seal(store());
  for (const auto status : {domain::Status::pending, domain::Status::authorized}) {
    domain::Transaction transaction = settled(1);
    transaction.status = status;
    EXPECT_FALSE(seal.open(seal.key(kLineage, 1), 1, seal.seal(seal.key(kLineage, 1), transaction))) << slug(status);
  }
}

// The key's last bytes and the value's first ones cannot change sides, even where both readings are transactions.
TEST(Seal, TheSplitBetweenKeyAndBytesCounts) {
  Seal seal(store());
  std::string inner;
  encode_transaction(settled(1), inner);
  domain::Transaction around = settled(1);
  around.metadata = inner;
  std::string outer;
  encode_transaction(around, outer);
  ASSERT_TRUE(outer.ends_with(inner));

  const std::string longer_key = seal.key(kLineage, 1) + outer.substr(0, outer.size() - inner.size());
  const std::string code = seal.seal(longer_key, settled(1)).substr(inner.size());
  EXPECT_FALSE(seal.open(seal.key(kLineage, 1), 1, outer + code));
}

TEST(SealDeathTest, AStoreWithoutASecretIsABug) {
  ports::StoreIdentity bare = store();
  bare.cache_secret.clear();
  EXPECT_DEATH(Seal{bare}, "");
}

}  // namespace
}  // namespace tps::redis
