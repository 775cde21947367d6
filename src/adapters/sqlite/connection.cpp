#include "adapters/sqlite/connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace tps::sqlite {
namespace {

using std::chrono::steady_clock;

// How many steps of SQLite's virtual machine run between two looks at the clock.
constexpr int kStepsPerDeadlineCheck = 10'000;

constexpr auto kLongestBusySleep = std::chrono::milliseconds(5);

constexpr std::string_view kBeginRead = "BEGIN";
constexpr std::string_view kBeginWrite = "BEGIN IMMEDIATE";
constexpr std::string_view kCommit = "COMMIT";
constexpr std::string_view kRollBack = "ROLLBACK";
constexpr std::string_view kReadFence = "PRAGMA user_version";

// Frames of the log, as SQLite counts them: 64 MB.
constexpr int kCheckpointFrames = 16'000;

// FULL: a commit is fsynced before it is visible or acknowledged. recursive_triggers: REPLACE fires the triggers that
// keep the logs append-only. The checkpoint waits for 64 MB of log so that a page that changes often is written once.
const std::string kWriterSettings =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA recursive_triggers = ON; PRAGMA trusted_schema = OFF;"
    "PRAGMA wal_autocheckpoint = 16000; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -32768;"
    "PRAGMA temp_store = MEMORY";
const std::string kWriterBesideSettings =
    "PRAGMA synchronous = FULL; PRAGMA recursive_triggers = ON; PRAGMA trusted_schema = OFF;"
    "PRAGMA wal_autocheckpoint = 0";
const std::string kCopySettings = "PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY";
const std::string kReaderSettings = "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -8192";

// SQLite writes a commit's mark last, so when a write fails the mark is not in the log file. After any other error
// (fsync above all) all of the commit may be there: not visible now, but found by a recovery after a crash.
bool leaves_no_trace(int commit_code) {
  return commit_code == SQLITE_IOERR_WRITE || (commit_code & 0xFF) == SQLITE_FULL ||
         (commit_code & 0xFF) == SQLITE_BUSY;
}

struct Opening {
  int access;
  const std::string& settings;
};

Opening opening_of(Connection::Mode mode) {
  switch (mode) {
    case Connection::Mode::write:
      return {SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, kWriterSettings};
    case Connection::Mode::write_beside:
      return {SQLITE_OPEN_READWRITE, kWriterBesideSettings};
    case Connection::Mode::copy:
      return {SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, kCopySettings};
    case Connection::Mode::read:
      break;
  }
  return {SQLITE_OPEN_READONLY, kReaderSettings};
}

using Cause = ports::StoreFault::Cause;

// Of an operation that the system refused. SQLite tells a full disk apart, but no other limit of the room.
Cause cause_of_io_error(int code, int system_errno) {
  if (code == SQLITE_IOERR_NOMEM) return Cause::unreachable;
  switch (system_errno) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Cause::full;
    case EROFS:
    case EACCES:
    case EPERM:
      return Cause::refuses;
    default:
      return Cause::damaged;
  }
}

ports::StoreFault fault_of(int code, const char* text, int system_errno) {
  using Kind = ports::StoreFault::Kind;
  const int primary = code & 0xFF;
  const auto words = [&] {
    const bool is_about_a_file = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN;
    const char* reason = is_about_a_file && system_errno != 0 ? std::strerror(system_errno) : sqlite3_errstr(code);
    return fmt::format("{} ({})", text, reason);
  };
  switch (primary) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Kind::unavailable, "another program kept the database locked until the deadline"};
    case SQLITE_INTERRUPT:
      return {Kind::unavailable, "the deadline came while a statement ran"};
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return {Kind::incompatible, fmt::format("the database file is damaged or no database: {}", text), Cause::damaged};
    case SQLITE_FULL:
      return {Kind::unavailable, words(), Cause::full};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return {Kind::unavailable, words(), Cause::refuses};
    case SQLITE_IOERR:
      return {Kind::unavailable, words(), cause_of_io_error(code, system_errno)};
    default:
      return {Kind::unavailable, words()};
  }
}

}  // namespace

Connection::Connection(sqlite3* handle) : handle_(handle) {
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_handler(handle, on_busy, this);
  sqlite3_progress_handler(handle, kStepsPerDeadlineCheck, on_progress, this);
}

std::expected<std::unique_ptr<Connection>, std::string> Connection::open(const std::string& path, Mode mode) {
  // SQLite counts its memory under one mutex for all connections; no part of this program reads those counts.
  [[maybe_unused]] static const int kUncounted = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  sqlite3* handle = nullptr;
  const Opening how = opening_of(mode);
  const int opened = sqlite3_open_v2(path.c_str(), &handle, how.access | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Connection> connection(new Connection(handle));
  if (opened != SQLITE_OK) return std::unexpected(fmt::format("{}: {}", path, sqlite3_errmsg(handle)));
  connection->set_deadline(steady_clock::now() + std::chrono::seconds(2));
  const int set = connection->run_script(how.settings);
  if (set != SQLITE_OK) return std::unexpected(fmt::format("{}: {}", path, sqlite3_errmsg(handle)));
  return connection;
}

int Connection::copy_from(Connection& source) {
  sqlite3_backup* const copying = sqlite3_backup_init(handle_.get(), "main", source.handle_.get(), "main");
  if (copying == nullptr) return last_code();
  // All at once: in steps, each commit of a server would make it begin anew.
  const int copied = sqlite3_backup_step(copying, -1);
  const int finished = sqlite3_backup_finish(copying);
  if (copied != SQLITE_DONE) return finished == SQLITE_OK ? copied : finished;
  return run_script("PRAGMA journal_mode = DELETE");
}

void Connection::record_checkpoints(const CheckpointRecord& record) {
  record_ = &record;
  sqlite3_wal_hook(handle_.get(), on_commit, this);  // in the place of SQLite's own, which wal_autocheckpoint sets
}

// The commit is durable, whatever becomes of the checkpoint.
int Connection::on_commit(void* self, sqlite3* handle, const char* name, int frames) {
  const auto* connection = static_cast<Connection*>(self);
  if (frames < kCheckpointFrames || !connection->record_->changing()) return SQLITE_OK;
  const int code = sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  connection->record_->changed();
  if (code != SQLITE_OK) connection->report(code);
  return SQLITE_OK;
}

int Connection::on_busy(void* self, int attempt) {
  const steady_clock::time_point deadline = static_cast<Connection*>(self)->deadline_;
  const auto left = deadline - steady_clock::now();
  if (left <= steady_clock::duration::zero()) return 0;
  const steady_clock::duration pause = std::min<steady_clock::duration>(
      kLongestBusySleep, std::chrono::microseconds(100) * (std::min(attempt, 100) + 1));
  std::this_thread::sleep_for(std::min(left, pause));
  return 1;
}

int Connection::on_progress(void* self) {
  return steady_clock::now() >= static_cast<Connection*>(self)->deadline_ ? 1 : 0;
}

Statement& Connection::statement(std::string_view sql) {
  const auto found = statements_.find(sql.data());
  if (found != statements_.end() && found->second.ready()) return found->second;
  return statements_.insert_or_assign(sql.data(), Statement(handle_.get(), sql)).first->second;
}

int Connection::run(std::string_view sql) {
  Use use(statement(sql));
  errno = 0;
  const int code = use->step();
  system_errno_ = errno;
  return code == SQLITE_DONE || code == SQLITE_ROW ? SQLITE_OK : code;
}

int Connection::run_script(const std::string& sql) {
  return sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
}

ports::StoreFault Connection::fault(int code) const {
  // SQLite does not keep that of a COMMIT, and keeps older ones.
  const int system_errno = system_errno_ != 0 ? system_errno_ : sqlite3_system_errno(handle_.get());
  ports::StoreFault fault = fault_of(code, sqlite3_errmsg(handle_.get()), system_errno);
  if (trouble_) trouble_->met(fault);
  return fault;
}

// The next durable write starts where a failed commit did and overwrites it. user_version is ours to change.
int Connection::write_fence() {
  DatabaseTransaction transaction(*this, DatabaseTransaction::Kind::write);
  if (transaction.begin_code() != SQLITE_OK) return transaction.begin_code();
  std::int64_t version = 0;
  {
    Use use(statement(kReadFence));
    if (use->step() == SQLITE_ROW) version = use->integer(0);
  }
  const int changed = run_script(fmt::format("PRAGMA user_version = {}", (version + 1) & 0x7FFFFFFF));
  return changed != SQLITE_OK ? changed : run(kCommit);
}

DatabaseTransaction::DatabaseTransaction(Connection& connection, Kind kind)
    : connection_(connection), begin_code_(connection.run(kind == Kind::read ? kBeginRead : kBeginWrite)) {}

void DatabaseTransaction::roll_back() {
  if (connection_.in_transaction()) connection_.run(kRollBack);
}

ports::StoreResult<void> DatabaseTransaction::commit(const std::function<std::optional<bool>()>& is_there) {
  const int code = connection_.run(kCommit);
  if (code == SQLITE_OK) return {};
  ports::StoreFault fault = connection_.fault(code);
  roll_back();
  if (!leaves_no_trace(code) && connection_.write_fence() != SQLITE_OK) {
    fault.kind = ports::StoreFault::Kind::unknown;
    return std::unexpected(fault);
  }
  const std::optional<bool> there = is_there();
  if (there == true) return {};
  fault.kind = there ? ports::StoreFault::Kind::unavailable : ports::StoreFault::Kind::unknown;
  return std::unexpected(fault);
}

}  // namespace tps::sqlite
