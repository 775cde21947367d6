// The SQLite file of this process: the one writer connection, whose turn it is, and the lock that keeps a second
// process out. Shared by all sessions; any thread may call.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "adapters/sqlite/checkpoint_record.hpp"
#include "adapters/sqlite/connection.hpp"
#include "adapters/sqlite/epoch.hpp"
#include "adapters/sqlite/fair_lock.hpp"
#include "adapters/sqlite/file_lock.hpp"
#include "adapters/sqlite/open_files.hpp"
#include "adapters/trouble.hpp"
#include "domain/clock.hpp"
#include "ports/fault.hpp"
#include "ports/history.hpp"

namespace tps::sqlite {

// The lines that refuse to read or write the file without its lock, also beside a running server: it has several hard
// links, or the log of another file. Empty: it may be read.
std::string refusal_to_read(const std::string& path);

class Database {
 public:
  // Opens or creates the file at `path` (plain text, no URI). Refuses one that another process, or another object of
  // this one, has open, by whatever name, and one with several hard links. The error is a sentence for operators.
  static std::expected<std::shared_ptr<Database>, std::string> open(const std::string& path);

  // The same file for reading only, also while another process has it open. It must be there. Nothing can be written or
  // migrated through it.
  static std::expected<std::shared_ptr<Database>, std::string> open_to_read(const std::string& path);

  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  // Brings the schema to this binary's, all or nothing; does nothing when it is there already. `partitions` counts for
  // an empty file only. Then settles which epoch this is. The error is a sentence for operators.
  std::expected<void, std::string> migrate(std::uint32_t partitions);

  // The history that the sessions find. Of a database that is for reading only too.
  [[nodiscard]] const std::shared_ptr<ports::History>& history() const { return history_; }
  // This opening of the file.
  [[nodiscard]] const std::string& run() const { return run_; }

  // Looks under the writer's lock whether the file still has the epoch that it had here, and what the log held; records
  // another epoch if not. Does nothing for a database that is for reading only, or was never migrated.
  ports::StoreResult<void> check_epoch(ports::Deadline deadline);

  // For the holder of the writer: a flight was committed that ends here.
  void grew(const ports::History::Seen& end, std::uint64_t generation);

  // From here on, sessions that write compare their time with what this clock said before and the time that has passed
  // since (domain::SteadyReference). Before any session is used.
  void compare_clock(domain::Clock clock);
  // nullopt: nothing is compared.
  std::optional<domain::Timestamp> clock_reference();

  // 0 if there is none.
  [[nodiscard]] std::int64_t wal_bytes() const;

  // Of one that is open for writing, without symbolic links.
  [[nodiscard]] const std::string& path() const { return path_; }

  // The writer connection belongs to the holder of its lock. A database that is for reading only gives it to no
  // session.
  std::optional<FairLock::Hold> lock_writer(ports::Deadline deadline) {
    return lock_ ? writer_lock_.acquire(deadline) : std::nullopt;
  }
  Connection& writer() { return *writer_; }

  // Hears of the faults that sessions meet.
  [[nodiscard]] const std::shared_ptr<adapters::Trouble>& trouble() const { return trouble_; }

  // Looks whether the names of the files still lead to the open ones. If not, that is trouble that lasts: what is
  // written since is found by no process that comes later. Any thread.
  void check_files();

  // One session at a time settles a partition. False: another one has it.
  bool take_settling(std::uint32_t partition);
  void end_settling(std::uint32_t partition);

 private:
  Database(std::string path, std::optional<FileLock> lock, std::unique_ptr<Connection> writer);
  std::expected<void, std::string> settle_epoch();
  std::expected<void, std::string> take_epoch(bool goes_on, Epoch recorded);

  const std::string path_;
  const std::shared_ptr<ports::History> history_ = std::make_shared<ports::History>();
  const std::string run_;
  // None: for reading only. Given back last: the writer's last checkpoint is done before another process may have the
  // file, and no descriptor of the file is closed while SQLite has locks on it, which would drop them.
  const std::optional<FileLock> lock_;
  const std::optional<CheckpointRecord> record_;

  const std::shared_ptr<adapters::Trouble> trouble_ = std::make_shared<adapters::Trouble>();
  std::optional<OpenFiles> files_;  // set by open(), then constant

  FairLock writer_lock_;
  // Under writer_lock_.
  std::unique_ptr<Connection> writer_;
  std::unique_ptr<EpochFile> epoch_file_;  // null: for reading only
  std::string epoch_;                      // "": not migrated here

  domain::Clock clock_;  // empty: none is compared

  std::mutex mutex_;
  // Under mutex_.
  std::set<std::uint32_t> settling_;
  domain::SteadyReference reference_;
};

}  // namespace tps::sqlite
