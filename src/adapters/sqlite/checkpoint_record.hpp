// The size and time of the database file after its last checkpoint, kept in PATH.lock. The log (PATH-wal) completes the
// file as it was then, and no other: if a backup is copied over the file and the log of the old one is still there,
// SQLite puts that log on top of it, which undoes the restore or mixes two databases.
#pragma once

#include <string>

namespace tps::sqlite {

// For the process that has the lock; one thread at a time.
class CheckpointRecord {
 public:
  // Descriptors of the database and of PATH.lock, which stay open as long as this is used.
  CheckpointRecord(int file, int beside) : file_(file), beside_(beside) {}

  // Before the file is changed. False: that could not be recorded, so it must not be changed now.
  [[nodiscard]] bool changing() const;
  // Afterwards: the file stays as it is now.
  void changed() const;
  // There is no log any more, so any file may come.
  void forget() const;

 private:
  const int file_;
  const int beside_;
};

// The lines that refuse a file with the log of another one; empty: they belong together, as far as is known. `path` may
// be any name of the file.
std::string foreign_log_refusal(const std::string& path);

// The same for a process that does not have the lock. While a server has it, the log is that of the file: other
// programs, such as sqlite3, may then change the file without a record.
std::string foreign_log_refusal_to_read(const std::string& path);

}  // namespace tps::sqlite
