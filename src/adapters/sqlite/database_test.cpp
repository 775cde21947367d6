// Only SQLite has these: one process per file, and a file that any program can open past this one.
#include "adapters/sqlite/database.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "adapters/sqlite/audit.hpp"
#include "adapters/sqlite/key_registry.hpp"
#include "adapters/sqlite/store.hpp"
#include "ports/fault.hpp"

namespace tps::sqlite {
namespace {

using domain::Acceptance;
using ::testing::HasSubstr;

class File : public ::testing::Test {
 public:
  ~File() override { std::filesystem::remove_all(folder_); }

 protected:
  File() {
    std::string pattern = std::filesystem::temp_directory_path() / "tps-sqlite-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }

  [[nodiscard]] std::string file() const { return folder_ / "tps.db"; }
  std::shared_ptr<Database> migrated() {
    auto database = Database::open(file()).value();
    EXPECT_TRUE(database->migrate(1));
    return database;
  }
  static domain::Submission deposit(const std::string& user_id, std::int64_t amount_minor = 1) {
    domain::Submission submission;
    submission.transaction.user_id = user_id;
    submission.transaction.amount_minor = amount_minor;
    submission.transaction.currency = "USD";
    return submission;
  }
  static ports::Deadline soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(10); }

  static void append_one(Store& store, const std::string& user_id) {
    domain::Submission submission = deposit(user_id);
    store.append(std::vector{&submission}, {}, soon());
    EXPECT_EQ(submission.acceptance, Acceptance::accepted);
  }

  static ports::ApiKey key(const std::string& id) {
    return {.id = id, .subject = "s", .scopes = "admin", .created_by = "cli:ada"};
  }

  // As an operator's shell: SQLite's own settings.
  int shell(const std::string& sql) {
    sqlite3* connection = nullptr;
    sqlite3_open(file().c_str(), &connection);
    const int code = sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, nullptr);
    sqlite3_close(connection);
    return code;
  }

  std::filesystem::path folder_;
  const domain::Currencies currencies_;
};

TEST_F(File, IsRefusedToASecondServer) {
  const auto first = Database::open(file());
  ASSERT_TRUE(first);
  const auto second = Database::open(file());
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error(), HasSubstr("in use by another tps (process " + std::to_string(getpid()) + ")"));
}

TEST_F(File, IsFreeOnceTheFirstServerIsGone) {
  {
    ASSERT_TRUE(Database::open(file()));
  }
  EXPECT_TRUE(Database::open(file()));
}

TEST_F(File, MustBeAFile) {
  EXPECT_FALSE(Database::open(""));
  EXPECT_FALSE(Database::open(":memory:"));
  EXPECT_FALSE(Database::open(folder_));
  EXPECT_THAT(Database::open(folder_ / "no" / "folder.db").error(), HasSubstr("No such file"));
}

TEST_F(File, MayHaveAnyName) {
  for (const char* name : {"file:x.db?mode=memory", "a b%20.db", "ümlaut.db"}) {
    EXPECT_TRUE(Database::open(folder_ / name)) << name;
    EXPECT_TRUE(std::filesystem::exists(folder_ / name)) << name;
  }
}

TEST_F(File, MayBeReadWhileAServerHasIt) {
  EXPECT_FALSE(Database::open_to_read(file()));
  EXPECT_FALSE(std::filesystem::exists(file()));
  const auto server = migrated();
  Store writing(server, currencies_);
  auto item = deposit("u");
  std::vector<domain::Submission*> flight{&item};
  writing.append(flight, domain::Timestamp(std::chrono::seconds(1)), soon());
  ASSERT_EQ(item.acceptance, Acceptance::accepted);

  const auto database = Database::open_to_read(file()).value();
  Store reading(database, currencies_);
  ASSERT_TRUE(reading.open(soon()));
  EXPECT_EQ(reading.list({}, soon())->transactions.size(), 1U);
  auto refused = deposit("v");
  flight = {&refused};
  reading.append(flight, domain::Timestamp(std::chrono::seconds(1)), soon());
  EXPECT_EQ(refused.acceptance, Acceptance::unavailable);
  EXPECT_FALSE(reading.ping(soon()));
  EXPECT_FALSE(database->migrate(1));
}

TEST_F(File, IsRefusedWhenItIsNoDatabase) {
  std::ofstream(file()) << "This is a letter to my aunt, and long enough not to be taken for an empty file.";
  const auto opened = Database::open(file());
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error(), HasSubstr("not a database"));
}

TEST_F(File, OfAnotherProgramIsLeftAlone) {
  ASSERT_EQ(shell("CREATE TABLE store (sold INTEGER)"), SQLITE_OK);
  const auto database = Database::open(file()).value();
  EXPECT_FALSE(database->migrate(1));
  EXPECT_EQ(Store(database, currencies_).open(soon()).error().kind, ports::StoreFault::Kind::incompatible);
}

TEST_F(File, RefusesInsertOrReplaceInTheLogsFromAnyShell) {
  const auto database = migrated();
  Store store(database, currencies_);
  domain::Submission submission = deposit("a", 100);
  submission.transaction.reference = "r";
  submission.transaction.idempotency_hash.emplace().fill(7);
  store.append(std::vector{&submission}, {}, soon());
  ASSERT_EQ(submission.acceptance, Acceptance::accepted);
  auto input = store.next(0, 1, soon());
  ASSERT_TRUE(input && *input);
  ASSERT_TRUE(store.record(0, domain::settle(**input, {}), soon()));

  const std::string insert =
      "INSERT OR REPLACE INTO transaction_log (id, partition, type, user_id, amount_minor, currency, capture, "
      "created_at, created_by, reference, idempotency_hash) ";
  for (const std::string values : {
           "VALUES (1, 0, 'deposit', 'a', 1, 'USD', 'automatic', 0, '', NULL, NULL)",
           "VALUES (2, 0, 'deposit', 'a', 1, 'USD', 'automatic', 0, '', 'r', NULL)",
           "VALUES (2, 0, 'deposit', 'b', 1, 'USD', 'automatic', 0, '', NULL, x'07070707070707070707070707070707')",
       }) {
    EXPECT_EQ(shell(insert + values), SQLITE_CONSTRAINT) << values;
  }
  EXPECT_EQ(shell("INSERT OR REPLACE INTO settlement_log VALUES (1, 0, 'settled', NULL, 0, 0, 0, NULL, NULL, 0, 1)"),
            SQLITE_CONSTRAINT);
  EXPECT_EQ(shell("UPDATE currencies SET exponent = 3"), SQLITE_CONSTRAINT);
  EXPECT_EQ(shell("DELETE FROM currencies"), SQLITE_CONSTRAINT);
}

TEST_F(File, RefusesInsertOrReplaceOfKeysFromAnyShell) {
  const auto database = migrated();
  KeyRegistry keys(file(), currencies_);
  ASSERT_TRUE(keys.add(key("a"), {}, soon()));
  ASSERT_TRUE(keys.revoke("a", "cli:ada", {}, soon()).value());
  const std::string insert =
      "INSERT OR REPLACE INTO api_key_log (key_id, action, done_at, done_by, key_hash, subject, scopes) VALUES ";
  EXPECT_EQ(shell(insert + "('a', 'c', 0, 'eve', randomblob(32), 's', 'admin')"), SQLITE_CONSTRAINT);
  EXPECT_EQ(shell(insert + "('b', 'c', 0, 'eve', zeroblob(32), 's', 'admin')"), SQLITE_CONSTRAINT);
  EXPECT_EQ(shell(insert + "('a', 'r', 0, 'eve', NULL, NULL, NULL)"), SQLITE_CONSTRAINT);
  EXPECT_EQ(shell(insert + "('b', 'c', 0, 'eve', randomblob(32), 's', 'admin')"), SQLITE_OK);
}

// The reference is stored, so its member of the group is refused, and so is the neighbour. That still holds when the
// flight flies again because CHECK refused another row.
TEST_F(File, AGroupStaysAllOrNothingWhenTheFlightFliesAgain) {
  Store store(migrated(), currencies_);
  domain::Submission stored = deposit("ada");
  stored.transaction.reference = "taken";
  store.append(std::vector{&stored}, {}, soon());
  ASSERT_EQ(stored.acceptance, Acceptance::accepted);

  std::vector flight{deposit("ada"), deposit("ada"), deposit("bob", -1)};
  flight[0].group = flight[1].group = 1;
  flight[1].transaction.reference = "taken";
  std::vector<domain::Submission*> pointers;
  for (auto& item : flight) pointers.push_back(&item);
  store.append(pointers, {}, soon());
  EXPECT_EQ(flight[0].acceptance, Acceptance::group_refused);
  EXPECT_EQ(flight[1].acceptance, Acceptance::duplicate_reference);
  EXPECT_EQ(flight[1].existing_id, stored.transaction.id);
  EXPECT_EQ(flight[2].acceptance, Acceptance::unprocessable);
}

// CHECK refuses these; nothing before the database does.
TEST_F(File, RefusesOnlyTheRowsThatTheDatabaseRefuses) {
  Store store(migrated(), currencies_);
  std::vector<domain::Submission> flight{deposit("a"), deposit("b", -1), deposit("c"), deposit("d", -1), deposit("e")};
  flight[2].group = flight[3].group = 1;
  std::vector<domain::Submission*> pointers;
  pointers.reserve(flight.size());
  for (domain::Submission& submission : flight) pointers.push_back(&submission);
  store.append(pointers, {}, soon());
  EXPECT_EQ(flight[0].acceptance, Acceptance::accepted);
  EXPECT_EQ(flight[1].acceptance, Acceptance::unprocessable);
  EXPECT_EQ(flight[2].acceptance, Acceptance::group_refused);
  EXPECT_EQ(flight[3].acceptance, Acceptance::unprocessable);
  EXPECT_EQ(flight[4].transaction.id, 2);
}

TEST_F(File, AnswersUnavailableWhileAnotherProgramHasItLocked) {
  const auto database = migrated();
  Store store(database, currencies_);
  sqlite3* other = nullptr;
  sqlite3_open(file().c_str(), &other);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  domain::Submission submission = deposit("a");
  const auto start = std::chrono::steady_clock::now();
  store.append(std::vector{&submission}, {}, start + std::chrono::milliseconds(100));
  EXPECT_EQ(submission.acceptance, Acceptance::unavailable);
  EXPECT_FALSE(store.next(0, 1, std::chrono::steady_clock::now() + std::chrono::milliseconds(50)));
  sqlite3_close(other);
  submission.acceptance = Acceptance::undecided;
  store.append(std::vector{&submission}, {}, soon());
  EXPECT_EQ(submission.acceptance, Acceptance::accepted);
}

// As `tps keys` does. Each waits for the other, and nothing fails.
TEST_F(File, IsWrittenBesideItsServer) {
  constexpr int kEach = 100;
  const auto database = migrated();
  std::vector<std::string> faults;
  const auto add_keys = [&] {
    KeyRegistry keys(file(), currencies_);
    for (int i = 0; i < kEach; ++i) {
      ports::KeyHash hash{};
      hash[0] = static_cast<std::uint8_t>(i);
      const auto added = keys.add(key(std::to_string(i)), hash, soon());
      if (!added) faults.push_back(added.error().detail);
    }
  };
  {
    const std::jthread beside(add_keys);
    Store store(database, currencies_);
    for (int i = 0; i < kEach; ++i) append_one(store, "a");
  }
  EXPECT_THAT(faults, ::testing::IsEmpty());
  EXPECT_EQ(KeyRegistry(file(), currencies_).list(soon()).value().size(), kEach);
}

TEST_F(File, MustBeThereForAKey) {
  KeyRegistry keys(file(), currencies_);
  EXPECT_FALSE(keys.add(key("a"), {}, soon()));
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(File, LetsASubmitterWaitNoLongerThanItsDeadlineForASettler) {
  const auto database = migrated();
  Store submitter(database, currencies_);
  Store settler(database, currencies_);
  domain::Submission first = deposit("a");
  submitter.append(std::vector{&first}, {}, soon());
  const auto input = settler.next(0, 1, soon());
  ASSERT_TRUE(input && *input);
  domain::Submission second = deposit("a");
  submitter.append(std::vector{&second}, {}, std::chrono::steady_clock::now() + std::chrono::milliseconds(50));
  EXPECT_EQ(second.acceptance, Acceptance::unavailable);
  ASSERT_TRUE(settler.record(0, domain::settle(**input, {}), soon()));
}

TEST_F(File, IsAuditedBesideAServerAndAfterIt) {
  Audit audit(file(), currencies_);
  EXPECT_FALSE(audit.open(soon())) << "an audit makes no file";
  EXPECT_FALSE(std::filesystem::exists(file()));
  {
    const auto database = migrated();
    Store store(database, currencies_);
    append_one(store, "a");
    EXPECT_EQ(audit.entries(0, 0, 10, soon()).value().size(), 1);
    append_one(store, "b");
    EXPECT_EQ(audit.entries(0, 0, 10, soon()).value().size(), 2);
  }
  Audit another(file(), currencies_);
  EXPECT_EQ(another.entries(0, 0, 10, soon()).value().size(), 2);
  EXPECT_TRUE(Database::open(file())) << "a server may start meanwhile";
}

}  // namespace
}  // namespace tps::sqlite
