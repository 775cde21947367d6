// One connection to a SQLite file: opened with the settings that durability rests on, bounded by a deadline, with
// its prepared statements. Used by one thread at a time. Translates SQLite's errors.
#pragma once

#include <sqlite3.h>

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "adapters/sqlite/checkpoint_record.hpp"
#include "adapters/sqlite/statement.hpp"
#include "adapters/trouble.hpp"
#include "ports/fault.hpp"

namespace tps::sqlite {

class Connection {
 public:
  // write: creates the file. write_beside: for one that must be there and that another process may serve, to which it
  // leaves the checkpoints. read: refuses every change. copy: creates the file, for copy_from().
  enum class Mode : std::uint8_t { write, write_beside, read, copy };

  // The error is a sentence for operators.
  static std::expected<std::unique_ptr<Connection>, std::string> open(const std::string& path, Mode mode);

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // From here on, waiting for other programs' locks and running statements end by then (but never a commit under way).
  void set_deadline(ports::Deadline deadline) { deadline_ = deadline; }
  [[nodiscard]] bool expired() const { return std::chrono::steady_clock::now() >= deadline_; }

  // Prepared on first use. `sql` is a constant: its address is what it is found by.
  Statement& statement(std::string_view sql);

  // Runs a statement without parameters or results. SQLITE_OK or an error.
  int run(std::string_view sql);

  // Runs a script of any number of statements, not cached.
  int run_script(const std::string& sql);

  [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }

  // The last error, as a fault that changed nothing. The trouble that was given hears of it.
  [[nodiscard]] ports::StoreFault fault(int code) const;
  void report(int code) const { static_cast<void>(fault(code)); }
  [[nodiscard]] int last_code() const { return sqlite3_extended_errcode(handle_.get()); }

  // Where this connection's faults go, besides to the callers of fault().
  void report_to(std::shared_ptr<adapters::Trouble> trouble) { trouble_ = std::move(trouble); }

  // From here on this connection records each checkpoint that it makes. `record` must outlive it.
  void record_checkpoints(const CheckpointRecord& record);

  // When it is closed, it leaves the log and the file as they are.
  void keep_log() { sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr); }

  // Makes this database what the other one is at one moment, in one file without a log. SQLITE_OK or an error.
  int copy_from(Connection& source);

  // Writes something that means nothing, durably. SQLITE_OK or an error.
  int write_fence();

 private:
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  explicit Connection(sqlite3* handle);
  static int on_busy(void* self, int attempt);
  static int on_progress(void* self);
  static int on_commit(void* self, sqlite3* handle, const char* name, int frames);

  std::unique_ptr<sqlite3, Close> handle_;
  std::unordered_map<const char*, Statement> statements_;  // finalized before handle_ is closed
  ports::Deadline deadline_ = ports::Deadline::max();
  std::shared_ptr<adapters::Trouble> trouble_;
  const CheckpointRecord* record_ = nullptr;
  int system_errno_ = 0;  // after the last run()
};

// BEGIN now, ROLLBACK at the end of the scope unless committed.
class DatabaseTransaction {
 public:
  enum class Kind : std::uint8_t { read, write };

  DatabaseTransaction(Connection& connection, Kind kind);
  DatabaseTransaction(const DatabaseTransaction&) = delete;
  DatabaseTransaction& operator=(const DatabaseTransaction&) = delete;
  ~DatabaseTransaction() { roll_back(); }

  [[nodiscard]] int begin_code() const { return begin_code_; }  // SQLITE_OK: it is open

  // Durable when it gives a value. `unavailable`: certainly not there; `unknown`: perhaps. Closes the transaction
  // either way. `is_there` reads whether its changes are visible (nullopt: cannot be read); asked only after an error.
  ports::StoreResult<void> commit(const std::function<std::optional<bool>()>& is_there);
  void roll_back();

 private:
  Connection& connection_;
  const int begin_code_;
};

}  // namespace tps::sqlite
