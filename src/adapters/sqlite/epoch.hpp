// The epoch that a SQLite file records, and the file beside it that tells whether it still is where, and what, it was.
// A copy that is put in the database's place has the epoch of the time when it was made, and lacks what the log got
// since: the file beside it knows both.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/sqlite/connection.hpp"
#include "ports/history.hpp"

namespace tps::sqlite {

struct Epoch {
  std::int64_t number = 0;  // 0: none is recorded yet
  std::string id;
  std::string place;
};

// The newest one, within whatever database transaction is open.
ports::StoreResult<Epoch> newest_epoch(Connection& connection);

// Records that another epoch begins here, in a transaction of its own. Also for what restores a file: what was known of
// the log before is not believed any more. The error is a sentence for operators.
std::expected<void, std::string> begin_epoch(Connection& writer, std::string_view place);

// The device and the inode of the file; "" if it cannot be asked.
std::string place_of(const std::string& path);

// Whether the log lacks any of these, or has them otherwise.
ports::StoreResult<bool> lacks(Connection& connection, std::span<const ports::History::Seen> seen);

// PATH.epoch. A write that fails is left out: then the next start begins an epoch that it need not have begun. The
// holder of the writer uses it.
class EpochFile {
 public:
  explicit EpochFile(const std::string& database_path);
  EpochFile(const EpochFile&) = delete;
  EpochFile& operator=(const EpochFile&) = delete;
  ~EpochFile();

  struct Content {
    std::string epoch;
    std::vector<ports::History::Seen> seen;
  };
  // nullopt: it is not there, or is none of ours.
  [[nodiscard]] std::optional<Content> read() const;

  // Writes it anew, with a place for each partition, durably. `seen` is in the order of the partitions, one of each.
  void write(std::string_view epoch, std::span<const ports::History::Seen> seen) const;

  // In place and not fsynced: after a crash of the system, an older end of the log is as true.
  void note(const ports::History::Seen& end) const;

 private:
  const int file_;  // below 0: it cannot be opened
};

}  // namespace tps::sqlite
