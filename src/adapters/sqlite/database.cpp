#include "adapters/sqlite/database.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "adapters/sqlite/schema.hpp"

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
    : path_(std::move(path)), lock_file_(lock_file), writer_(std::move(writer)) {}

Database::~Database() {
  writer_.reset();  // its last checkpoint is done before another process may open the file
  if (lock_file_ >= 0) close(lock_file_);
}

std::expected<void, std::string> Database::migrate(std::uint32_t partitions) {
  const ports::Deadline deadline = std::chrono::steady_clock::now() + kMigrationTime;
  const auto hold = lock_writer(deadline);
  if (!hold) return std::unexpected("the database was busy for a minute, or is open for reading only");
  writer_->set_deadline(deadline);
  return sqlite::migrate(*writer_, partitions);
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
