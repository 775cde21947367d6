// The disk fails at its Nth operation, for N = 0, 1, 2... until nothing fails any more; whatever the store answered
// must be true, now and for a process that finds the files as they are at that moment.
#include "ports/fault.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstring>
#include <filesystem>
#include <new>

#include "adapters/sqlite/store.hpp"

namespace tps::sqlite {
namespace {

using domain::Acceptance;

// The fault to inject, and when: writes and syncs of database and log are counted.
struct Fault {
  int code = SQLITE_OK;
  bool on_sync = false;  // else on write
  bool forever = false;  // else once
  int after = 0;         // this many go well first
  bool happened = false;

  int check(bool is_sync) {
    if (code == SQLITE_OK || is_sync != on_sync || (happened && !forever)) return SQLITE_OK;
    if (after-- > 0) return SQLITE_OK;
    happened = true;
    return code;
  }
};
Fault fault;

// A VFS that hands everything to the system's, but for writes and syncs that are to fail.
struct FaultyFile {
  sqlite3_file base;
  sqlite3_file* real;
};
sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<FaultyFile*>(file)->real; }

const sqlite3_io_methods* methods() {
  static const sqlite3_io_methods table = [] {
    sqlite3_io_methods m{};
    m.iVersion = 2;
    m.xClose = [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); };
    m.xRead = [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
      return real(f)->pMethods->xRead(real(f), to, n, at);
    };
    m.xWrite = [](sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
      const int code = fault.check(false);
      return code != SQLITE_OK ? code : real(f)->pMethods->xWrite(real(f), from, n, at);
    };
    m.xSync = [](sqlite3_file* f, int flags) {
      const int code = fault.check(true);
      return code != SQLITE_OK ? code : real(f)->pMethods->xSync(real(f), flags);
    };
    m.xTruncate = [](sqlite3_file* f, sqlite3_int64 n) { return real(f)->pMethods->xTruncate(real(f), n); };
    m.xFileSize = [](sqlite3_file* f, sqlite3_int64* n) { return real(f)->pMethods->xFileSize(real(f), n); };
    m.xLock = [](sqlite3_file* f, int level) { return real(f)->pMethods->xLock(real(f), level); };
    m.xUnlock = [](sqlite3_file* f, int level) { return real(f)->pMethods->xUnlock(real(f), level); };
    m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
      return real(f)->pMethods->xCheckReservedLock(real(f), out);
    };
    m.xFileControl = [](sqlite3_file* f, int op, void* arg) {
      return real(f)->pMethods->xFileControl(real(f), op, arg);
    };
    m.xSectorSize = [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); };
    m.xDeviceCharacteristics = [](sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); };
    m.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
      return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
    };
    m.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) {
      return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
    };
    m.xShmBarrier = [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); };
    m.xShmUnmap = [](sqlite3_file* f, int remove) { return real(f)->pMethods->xShmUnmap(real(f), remove); };
    return m;
  }();
  return &table;
}

sqlite3_vfs* system_vfs = nullptr;

int open_faulty(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto* faulty = new (file) FaultyFile{};
  faulty->real = reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + sizeof(FaultyFile));
  const int code = system_vfs->xOpen(system_vfs, name, faulty->real, flags, out_flags);
  faulty->base.pMethods = faulty->real->pMethods != nullptr ? methods() : nullptr;
  return code;
}

class FaultTest : public ::testing::Test {
 public:
  ~FaultTest() override {
    fault = {};
    std::filesystem::remove_all(folder_);
  }

 protected:
  static void SetUpTestSuite() {
    system_vfs = sqlite3_vfs_find(nullptr);
    vfs_ = *system_vfs;
    vfs_.zName = "faulty";
    vfs_.szOsFile = system_vfs->szOsFile + static_cast<int>(sizeof(FaultyFile));
    vfs_.xOpen = open_faulty;
    sqlite3_vfs_register(&vfs_, 1);
  }
  static void TearDownTestSuite() { sqlite3_vfs_unregister(&vfs_); }

  FaultTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "tps-fault-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }

  static ports::Deadline soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(10); }

  // Each fault there is, at its first, second, third... operation, until it does not happen any more. `run` makes a
  // store in the folder it is given, does its work and checks it.
  template <class Run>
  void fail_everywhere(Run run) {
    const std::vector<Fault> faults = {{.code = SQLITE_FULL, .forever = true},
                                       {.code = SQLITE_FULL},
                                       {.code = SQLITE_IOERR_WRITE},
                                       {.code = SQLITE_IOERR_WRITE, .forever = true},
                                       {.code = SQLITE_IOERR_FSYNC, .on_sync = true},
                                       {.code = SQLITE_IOERR_FSYNC, .on_sync = true, .forever = true}};
    for (const Fault& kind : faults) {
      bool happened = true;
      for (int after = 0; happened && after < 100; ++after) {
        SCOPED_TRACE(std::string(sqlite3_errstr(kind.code)) + (kind.forever ? " forever" : " once") + " after " +
                     std::to_string(after));
        Fault next = kind;
        next.after = after;
        const std::filesystem::path place = folder_ / std::to_string(places_++);
        std::filesystem::create_directory(place);
        happened = run(place, next);
        ++runs_;
        if (HasFatalFailure()) return;
      }
      EXPECT_FALSE(happened) << "no end";
    }
  }

  // How many transactions and settlements a process would find that started on a copy of the files now.
  struct Recovered {
    std::size_t transactions = 0;
    std::size_t settled = 0;
  };
  Recovered recovered(const std::filesystem::path& place) {
    const std::filesystem::path copy = folder_ / std::to_string(places_++);
    std::filesystem::create_directory(copy);
    for (const char* name : {"tps.db", "tps.db-wal"}) {
      if (std::filesystem::exists(place / name)) std::filesystem::copy(place / name, copy / name);
    }
    Store store(Database::open(copy / "tps.db").value(), currencies_);
    const auto page = store.list({.limit = 100}, soon());
    EXPECT_TRUE(page);
    Recovered result;
    for (const domain::Transaction& transaction : page->transactions) {
      ++result.transactions;
      result.settled += transaction.status != domain::Status::pending ? 1U : 0U;
    }
    return result;
  }

  static std::vector<domain::Submission> deposits(std::size_t count) {
    std::vector<domain::Submission> flight(count);
    for (domain::Submission& submission : flight) {
      submission.transaction.user_id = "user";
      submission.transaction.amount_minor = 1;
      submission.transaction.currency = "USD";
    }
    return flight;
  }
  static Acceptance append(Store& store, std::vector<domain::Submission> flight) {
    std::vector<domain::Submission*> pointers;
    pointers.reserve(flight.size());
    for (domain::Submission& submission : flight) pointers.push_back(&submission);
    store.append(pointers, {}, soon());
    for (const domain::Submission& submission : flight) EXPECT_EQ(submission.acceptance, flight[0].acceptance);
    return flight[0].acceptance;
  }

  static inline sqlite3_vfs vfs_{};
  const domain::Currencies currencies_;
  std::filesystem::path folder_;
  int places_ = 0;
  int runs_ = 0;
};

TEST_F(FaultTest, NeverMakesTheAnswerToASubmissionWrong) {
  fail_everywhere([&](const std::filesystem::path& place, const Fault& next) {
    auto database = Database::open(place / "tps.db").value();
    EXPECT_TRUE(database->migrate(1));
    Store store(database, currencies_);
    EXPECT_EQ(append(store, deposits(1)), Acceptance::accepted);

    fault = next;
    const Acceptance answer = append(store, deposits(3));
    const bool happened = fault.happened;
    fault = {};
    const std::size_t there = recovered(place).transactions;
    switch (answer) {
      case Acceptance::accepted:
        EXPECT_EQ(there, 4);
        break;
      case Acceptance::unavailable:
        EXPECT_EQ(there, 1);
        break;
      case Acceptance::unknown:
        EXPECT_TRUE(next.on_sync && next.forever) << "all else can be resolved";
        break;
      default:
        ADD_FAILURE() << static_cast<int>(answer);
    }
    EXPECT_EQ(append(store, deposits(1)), Acceptance::accepted) << "it goes on afterwards";
    const std::vector<std::int64_t> newest = {answer == Acceptance::accepted ? 5 : 2};
    EXPECT_TRUE(store.find(newest, soon()).value().front());
    return happened;
  });
  EXPECT_GT(runs_, 15);
}

TEST_F(FaultTest, NeverMakesTheAnswerToASettlementWrong) {
  fail_everywhere([&](const std::filesystem::path& place, const Fault& next) {
    auto database = Database::open(place / "tps.db").value();
    EXPECT_TRUE(database->migrate(1));
    Store store(database, currencies_);
    EXPECT_EQ(append(store, deposits(3)), Acceptance::accepted);

    const auto input = store.next(0, 100, soon());
    EXPECT_TRUE(input && *input);
    fault = next;
    const auto recorded = store.record(0, domain::settle(**input, {}), soon());
    const bool happened = fault.happened;
    fault = {};
    const std::size_t there = recovered(place).settled;
    if (recorded) {
      EXPECT_EQ(there, 3);
    } else if (recorded.error().kind == ports::StoreFault::Kind::unavailable) {
      EXPECT_EQ(there, 0);
    } else {
      EXPECT_TRUE(next.on_sync && next.forever) << "all else can be resolved";
    }
    const auto again = store.next(0, 100, soon());
    EXPECT_TRUE(again && *again && (*again)->transactions.size() == (recorded ? 0 : 3)) << "it goes on afterwards";
    return happened;
  });
  EXPECT_GT(runs_, 15);
}

TEST_F(FaultTest, TellsClientsAndOperatorsTheCause) {
  using Cause = ports::StoreFault::Cause;
  struct Case {
    Fault fault;
    Cause cause;
  };
  const Case cases[] = {{{.code = SQLITE_FULL, .forever = true}, Cause::full},
                        {{.code = SQLITE_READONLY, .forever = true}, Cause::refuses},
                        {{.code = SQLITE_IOERR_WRITE, .forever = true}, Cause::damaged}};
  for (const Case& one : cases) {
    const std::filesystem::path place = folder_ / std::to_string(places_++);
    std::filesystem::create_directory(place);
    auto database = Database::open(place / "tps.db").value();
    EXPECT_TRUE(database->migrate(1));
    Store store(database, currencies_);
    int begun = 0;
    database->trouble()->set_listener([&](const ports::StoreFault& met, bool is_over) {
      EXPECT_FALSE(is_over);
      EXPECT_EQ(met.cause, one.cause);
      EXPECT_FALSE(met.detail.empty());
      ++begun;
    });
    fault = one.fault;
    for (int time = 0; time < 3; ++time) {
      domain::Submission submission = deposits(1).front();
      store.append(std::vector{&submission}, {}, soon());
      // This code does not say at which write of the commit it came.
      if (one.cause == Cause::refuses && submission.acceptance == Acceptance::unknown) continue;
      EXPECT_EQ(submission.acceptance, Acceptance::unavailable);
      EXPECT_EQ(submission.unavailable_as, ports::code_of(one.cause));
    }
    const auto pinged = store.ping(soon());
    ASSERT_FALSE(pinged);
    EXPECT_EQ(pinged.error().cause, one.cause);
    EXPECT_EQ(begun, 1);
    fault = {};
    EXPECT_EQ(append(store, deposits(1)), Acceptance::accepted) << "it goes on afterwards";
  }
}

}  // namespace
}  // namespace tps::sqlite
