#include "adapters/sqlite/database.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "adapters/migration.hpp"
#include "adapters/sqlite/log.hpp"
#include "adapters/sqlite/schema.hpp"
#include "ops/log.hpp"

namespace tps::sqlite {
namespace {

constexpr auto kMigrationTime = std::chrono::seconds(60);

std::string who_holds(int lock_file) {
  std::array<char, 32> text{};
  const ssize_t length = pread(lock_file, text.data(), text.size() - 1, 0);
  return length > 0 ? fmt::format(" (process {})", std::string_view(text.data())) : "";
}

// The lock is the kernel's and goes with the process, however it ends; the file stays and means nothing by itself.
std::expected<int, std::string> lock_file_of(const std::string& path) {
  const std::string name = path + ".lock";
  const int file = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return std::unexpected(fmt::format("{}: {}", name, std::strerror(errno)));
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    std::string reason = errno == EWOULDBLOCK
                             ? fmt::format(
                                   "{} is in use by another tps{}: stop that one, or name another file with "
                                   "--database-url sqlite:PATH",
                                   path, who_holds(file))
                             : fmt::format("{}: {}", name, std::strerror(errno));
    close(file);
    return std::unexpected(std::move(reason));
  }
  const std::string owner = fmt::format("{}", getpid());
  if (ftruncate(file, 0) != 0 || pwrite(file, owner.data(), owner.size(), 0) < 0) {
    std::string reason = fmt::format("{}: {}", name, std::strerror(errno));
    close(file);
    return std::unexpected(std::move(reason));
  }
  return file;
}

}  // namespace

std::expected<std::shared_ptr<Database>, std::string> Database::open(const std::string& path) {
  if (path.empty() || path.starts_with(":")) {
    return std::unexpected(fmt::format("\"{}\" is not the name of a file, and data must be kept in one", path));
  }
  const auto lock = lock_file_of(path);
  if (!lock) return std::unexpected(lock.error());
  auto writer = Connection::open(path, Connection::Mode::write);
  if (!writer) {
    close(*lock);
    return std::unexpected(writer.error());
  }
  return std::shared_ptr<Database>(new Database(path, *lock, std::move(*writer)));
}

std::expected<std::shared_ptr<Database>, std::string> Database::open_to_read(const std::string& path) {
  if (access(path.c_str(), R_OK) != 0) return std::unexpected(fmt::format("{}: {}", path, std::strerror(errno)));
  return std::shared_ptr<Database>(new Database(path, -1, nullptr));
}

Database::Database(std::string path, int lock_file, std::unique_ptr<Connection> writer)
    : path_(std::move(path)),
      run_(adapters::new_store_id()),
      lock_file_(lock_file),
      writer_(std::move(writer)),
      epoch_file_(lock_file < 0 ? nullptr : std::make_unique<EpochFile>(path_)) {}

Database::~Database() {
  writer_.reset();  // its last checkpoint is done before another process may open the file
  if (lock_file_ >= 0) close(lock_file_);
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
    if (!end) return std::unexpected("the log could not be read");
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

bool Database::take_settling(std::uint32_t partition) {
  const std::lock_guard guard(mutex_);
  return settling_.insert(partition).second;
}

void Database::end_settling(std::uint32_t partition) {
  const std::lock_guard guard(mutex_);
  settling_.erase(partition);
}

}  // namespace tps::sqlite
