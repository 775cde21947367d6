#include "adapters/sqlite/database.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <system_error>

#include "adapters/migration.hpp"
#include "adapters/sqlite/log.hpp"
#include "adapters/sqlite/schema.hpp"
#include "ops/log.hpp"

namespace tps::sqlite {
namespace {

constexpr auto kMigrationTime = std::chrono::seconds(60);

}  // namespace

std::expected<std::shared_ptr<Database>, std::string> Database::open(const std::string& path) {
  if (path.empty() || path.starts_with(":")) {
    return std::unexpected(fmt::format("\"{}\" is not the name of a file, and data must be kept in one", path));
  }
  auto lock = FileLock::take(path);
  if (!lock) return std::unexpected(lock.error());
  if (const std::string refusal = foreign_log_refusal(path); !refusal.empty()) return std::unexpected(refusal);
  const CheckpointRecord record(lock->file(), lock->beside());
  if (!record.changing()) return std::unexpected(fmt::format("{}.lock: {}", lock->path(), std::strerror(errno)));
  auto writer = Connection::open(lock->path(), Connection::Mode::write);
  if (!writer) {
    record.changed();
    return std::unexpected(writer.error());
  }
  const std::string canonical = lock->path();
  std::shared_ptr<Database> database(new Database(canonical, std::move(*lock), std::move(*writer)));
  database->writer_->report_to(database->trouble_);
  // Makes the log of a new file, so that it is watched, too.
  static_cast<void>(database->writer_->run_script("BEGIN IMMEDIATE; ROLLBACK"));
  database->files_.emplace(path, canonical);
  database->record_->changed();
  database->writer_->record_checkpoints(*database->record_);
  return database;
}

std::expected<std::shared_ptr<Database>, std::string> Database::open_to_read(const std::string& path) {
  if (access(path.c_str(), R_OK) != 0) return std::unexpected(fmt::format("{}: {}", path, std::strerror(errno)));
  if (const std::string refusal = refusal_to_read(path); !refusal.empty()) return std::unexpected(refusal);
  return std::shared_ptr<Database>(new Database(path, std::nullopt, nullptr));
}

Database::Database(std::string path, std::optional<FileLock> lock, std::unique_ptr<Connection> writer)
    : path_(std::move(path)),
      run_(adapters::new_store_id()),
      lock_(std::move(lock)),
      record_(lock_ ? std::optional<CheckpointRecord>(std::in_place, lock_->file(), lock_->beside()) : std::nullopt),
      writer_(std::move(writer)),
      epoch_file_(lock_ ? std::make_unique<EpochFile>(path_) : nullptr) {}

Database::~Database() {
  if (!record_) return;
  if (trouble_->lasting()) {
    // The names may lead to the files of another database by now, which its last checkpoint would write and remove.
    writer_->keep_log();
  } else if (record_->changing()) {
    writer_.reset();  // its last checkpoint
    record_->forget();
  }
}

std::string refusal_to_read(const std::string& path) {
  std::string refusal = hard_link_refusal(path);
  return refusal.empty() ? foreign_log_refusal_to_read(path) : refusal;
}

void Database::check_files() {
  if (!files_ || trouble_->lasting()) return;
  std::string missing = files_->missing();
  if (missing.empty()) return;
  using ports::StoreFault;
  trouble_->met({StoreFault::Kind::incompatible, std::move(missing), StoreFault::Cause::damaged});
}

std::expected<void, std::string> Database::migrate(std::uint32_t partitions) {
  const ports::Deadline deadline = std::chrono::steady_clock::now() + kMigrationTime;
  const auto hold = lock_writer(deadline);
  if (!hold) return std::unexpected("the database was busy for a minute, or is open for reading only");
  writer_->set_deadline(deadline);
  if (auto migrated = sqlite::migrate(*writer_, partitions); !migrated) return migrated;
  return settle_epoch();
}

// Under the writer's lock.
std::expected<void, std::string> Database::settle_epoch() {
  auto recorded = newest_epoch(*writer_);
  if (!recorded) return std::unexpected(recorded.error().detail);
  const auto beside = epoch_file_->read();
  bool goes_on = recorded->place == place_of(path_) && beside && beside->epoch == recorded->id;
  if (goes_on) {
    const auto lacking = lacks(*writer_, beside->seen);
    if (!lacking) return std::unexpected(lacking.error().detail);
    goes_on = !*lacking;
  }
  return take_epoch(goes_on, std::move(*recorded));
}

std::expected<void, std::string> Database::take_epoch(bool goes_on, Epoch recorded) {
  if (!goes_on) {
    if (recorded.number > 0) {
      ops::log(ops::Level::warn, "the database is not where, or not what, it was: another epoch of it begins",
               {{"was", recorded.place}, {"is", place_of(path_)}});
    }
    if (auto begun = begin_epoch(*writer_, place_of(path_)); !begun) return begun;
    auto now = newest_epoch(*writer_);
    if (!now) return std::unexpected(now.error().detail);
    recorded = std::move(*now);
  }
  std::vector<ports::History::Seen> ends;
  const auto identity = partitions_of(*writer_);
  if (!identity) return std::unexpected(identity.error().detail);
  for (std::uint32_t partition = 0; partition < *identity; ++partition) {
    const auto end = log_end(*writer_, partition);
    if (!end) return std::unexpected(writer_->fault(writer_->last_code()).detail);
    ends.push_back({partition, end->id, end->created_at});
  }
  epoch_ = std::move(recorded.id);
  epoch_file_->write(epoch_, ends);
  return {};
}

ports::StoreResult<void> Database::check_epoch(ports::Deadline deadline) {
  using ports::StoreFault;
  if (epoch_file_ == nullptr) return {};
  const auto hold = lock_writer(deadline);
  if (!hold) {
    return std::unexpected(StoreFault{StoreFault::Kind::unavailable, "the writer was busy until the deadline"});
  }
  if (epoch_.empty()) return {};
  writer_->set_deadline(deadline);
  auto recorded = newest_epoch(*writer_);
  if (!recorded) return std::unexpected(recorded.error());
  const auto lacking = lacks(*writer_, history_->seen());
  if (!lacking) return std::unexpected(lacking.error());
  if (recorded->id == epoch_ && !*lacking) return {};
  if (auto taken = take_epoch(false, std::move(*recorded)); !taken) {
    return std::unexpected(StoreFault{StoreFault::Kind::unavailable, taken.error()});
  }
  return {};
}

void Database::grew(const ports::History::Seen& end, std::uint64_t generation) {
  history_->saw(end, generation);
  if (epoch_file_ != nullptr && !epoch_.empty()) epoch_file_->note(end);
}

void Database::compare_clock(domain::Clock clock) {
  clock_ = std::move(clock);
  clock_reference();  // counts from here
}

// The clock that nothing sets, and that runs on while the machine sleeps.
std::optional<domain::Timestamp> Database::clock_reference() {
  if (!clock_) return std::nullopt;
  const std::lock_guard guard(mutex_);
  timespec passed{};
  clock_gettime(CLOCK_BOOTTIME, &passed);
  const auto since = std::chrono::seconds(passed.tv_sec) + std::chrono::nanoseconds(passed.tv_nsec);
  return reference_.at(clock_(), std::chrono::floor<std::chrono::microseconds>(since));
}

std::int64_t Database::wal_bytes() const {
  std::error_code none;
  const auto size = std::filesystem::file_size(path_ + "-wal", none);
  return none ? 0 : static_cast<std::int64_t>(size);
}

bool Database::take_settling(std::uint32_t partition) {
  const std::lock_guard guard(mutex_);
  return settling_.insert(partition).second;
}

void Database::end_settling(std::uint32_t partition) {
  const std::lock_guard guard(mutex_);
  settling_.erase(partition);
}

}  // namespace tps::sqlite
