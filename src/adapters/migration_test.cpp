#include "adapters/migration.hpp"

#include <gtest/gtest.h>

#include "embedded/postgres_migrations.hpp"
#include "embedded/sqlite_migrations.hpp"

namespace tps::adapters {
namespace {

constexpr embedded::File kFirst{"0001_data_model.sql", "-- min_binary: 1\nCREATE TABLE a (b);\n"};
constexpr embedded::File kSecond{"0002_more.sql", "-- min_binary: 1\n"};
constexpr embedded::File kThird{"0003_break_with_the_past.sql", "-- min_binary: 3\n"};

TEST(Migration, IsReadFromItsFile) {
  const std::vector files{kFirst, kSecond, kThird};
  const std::vector<Migration> read = migrations(files);
  ASSERT_EQ(read.size(), 3);
  EXPECT_EQ(read[0].number, 1);
  EXPECT_EQ(read[0].name, "data_model");
  EXPECT_EQ(read[0].sql, kFirst.content);
  EXPECT_EQ(read[1].min_binary, 1);
  EXPECT_EQ(read[2].min_binary, 3);
}

TEST(Migration, FilesThatBreakTheRulesEndTheProgram) {
  const std::vector<std::vector<embedded::File>> wrong = {
      {{"first.sql", "-- min_binary: 1\n"}},
      {{"0001.sql", "-- min_binary: 1\n"}},
      {{"0001_a.txt", "-- min_binary: 1\n"}},
      {{"0002_a.sql", "-- min_binary: 1\n"}},
      {kFirst, kThird},
      {{"0001_a.sql", "CREATE TABLE a (b);\n"}},
      {{"0001_a.sql", "-- min_binary: x\n"}},
      {{"0001_a.sql", "-- min_binary: 0\n"}},
      {{"0001_a.sql", "-- min_binary: 2\n"}},
      {kFirst, {"0002_a.sql", "-- min_binary: 2\n"}, {"0003_a.sql", "-- min_binary: 1\n"}},
  };
  for (const auto& files : wrong) EXPECT_DEATH(migrations(files), "bug: embedded migration");
}

TEST(Migration, EmbeddedOnesAreInOrderForBothEngines) {
  EXPECT_FALSE(migrations(embedded::sqlite_migrations).empty());
  EXPECT_FALSE(migrations(embedded::postgres_migrations).empty());
}

TEST(Migration, OnlyTheMissingOnesArePending) {
  const std::vector files{kFirst, kSecond, kThird};
  const std::vector<Migration> known = migrations(files);
  EXPECT_EQ(pending_migrations(known, 0).size(), 3);
  EXPECT_EQ(pending_migrations(known, 2).size(), 1);
  EXPECT_EQ(pending_migrations(known, 2).front().number, 3);
  EXPECT_TRUE(pending_migrations(known, 3).empty());
  EXPECT_TRUE(pending_migrations(known, 9).empty());
}

// A binary that knows schema 2.
TEST(Migration, DecidesWhoMayUseAndMigrateAStore) {
  const std::vector files{kFirst, kSecond};
  const std::vector<Migration> known = migrations(files);
  struct Case {
    std::optional<SchemaVersion> store;
    bool usable;
    bool migratable;
  };
  const std::vector<Case> cases = {
      {std::nullopt, false, true},          {SchemaVersion{1, 1}, false, true}, {SchemaVersion{2, 1}, true, true},
      {SchemaVersion{3, 1}, true, true},    {SchemaVersion{3, 2}, true, true},  {SchemaVersion{3, 3}, false, false},
      {SchemaVersion{99, 4}, false, false},
  };
  for (const Case& c : cases) {
    const int schema = c.store ? c.store->schema : 0;
    EXPECT_EQ(!incompatibility(known, c.store), c.usable) << schema;
    EXPECT_EQ(!migration_refusal(known, c.store), c.migratable) << schema;
  }
  EXPECT_NE(incompatibility(known, std::nullopt)->find("tps migrate"), std::string::npos);
}

TEST(Migration, NewIdentitiesDiffer) {
  EXPECT_NE(new_store_id(), new_store_id());
  EXPECT_NE(new_cache_secret(), new_cache_secret());
}

}  // namespace
}  // namespace tps::adapters
