#include "adapters/sqlite/epoch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <chrono>

#include "adapters/migration.hpp"
#include "adapters/sqlite/statement.hpp"
#include "domain/transaction.hpp"

namespace tps::sqlite {
namespace {

using ports::StoreResult;
using Seen = ports::History::Seen;

constexpr std::string_view kNewestEpoch = "SELECT number, epoch, place FROM epoch_log ORDER BY number DESC LIMIT 1";
constexpr std::string_view kBeginEpoch =
    "INSERT INTO epoch_log (number, begun_at, epoch, place) VALUES (?1, ?2, ?3, ?4)";
constexpr std::string_view kSeenCreatedAt = "SELECT created_at FROM transaction_log WHERE id = ?1";

// A head, then a line of each partition. All of fixed size, so that one is written in place.
constexpr std::string_view kHead = "tps epoch 1 ";
constexpr std::size_t kIdBytes = 36;
constexpr std::size_t kHeadBytes = kHead.size() + kIdBytes + 1;
constexpr std::size_t kNumberBytes = 20;
constexpr std::size_t kLineBytes = 2 * (kNumberBytes + 1);

std::string line_of(const Seen& seen) {
  return fmt::format("{:>20} {:>20}\n", seen.id, seen.created_at.time_since_epoch().count());
}

std::optional<std::int64_t> number_in(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Seen> seen_in(std::string_view line, std::uint32_t partition) {
  const auto id = number_in(line.substr(0, kNumberBytes));
  const auto created_at = number_in(line.substr(kNumberBytes + 1, kNumberBytes));
  if (!id || !created_at) return std::nullopt;
  return Seen{partition, *id, domain::Timestamp{std::chrono::microseconds{*created_at}}};
}

bool write_all(int file, std::string_view bytes, std::size_t offset) {
  return pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset)) == static_cast<ssize_t>(bytes.size());
}

}  // namespace

StoreResult<Epoch> newest_epoch(Connection& connection) {
  Use use(connection.statement(kNewestEpoch));
  const int code = use->step();
  if (code == SQLITE_DONE) return Epoch{};
  if (code != SQLITE_ROW) return std::unexpected(connection.fault(code));
  return Epoch{.number = use->integer(0), .id = std::string(use->text(1)), .place = std::string(use->text(2))};
}

std::expected<void, std::string> begin_epoch(Connection& writer, std::string_view place) {
  DatabaseTransaction transaction(writer, DatabaseTransaction::Kind::write);
  if (transaction.begin_code() != SQLITE_OK) return std::unexpected(writer.fault(transaction.begin_code()).detail);
  const auto last = newest_epoch(writer);
  if (!last) return std::unexpected(last.error().detail);
  {
    const std::string id = adapters::new_store_id();
    Use use(writer.statement(kBeginEpoch));
    use->bind(1, last->number + 1);
    use->bind(2, std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()));
    use->bind(3, id);
    use->bind(4, place);
    if (const int code = use->step(); code != SQLITE_DONE) return std::unexpected(writer.fault(code).detail);
  }
  const auto committed = transaction.commit([&]() -> std::optional<bool> {
    const auto now = newest_epoch(writer);
    if (!now) return std::nullopt;
    return now->number > last->number;
  });
  if (!committed) return std::unexpected(committed.error().detail);
  return {};
}

std::string place_of(const std::string& path) {
  struct stat found{};
  if (stat(path.c_str(), &found) != 0) return "";
  return fmt::format("{}/{}", found.st_dev, found.st_ino);
}

StoreResult<bool> lacks(Connection& connection, std::span<const Seen> seen) {
  for (const Seen& end : seen) {
    if (domain::sequence_of_id(end.id) == 0) continue;  // its log was empty
    Use use(connection.statement(kSeenCreatedAt));
    use->bind(1, end.id);
    const int code = use->step();
    if (code != SQLITE_ROW && code != SQLITE_DONE) return std::unexpected(connection.fault(code));
    if (code == SQLITE_DONE || use->time(0) != end.created_at) return true;
  }
  return false;
}

EpochFile::EpochFile(const std::string& database_path)
    : file_(::open((database_path + ".epoch").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644)) {}

EpochFile::~EpochFile() {
  if (file_ >= 0) close(file_);
}

std::optional<EpochFile::Content> EpochFile::read() const {
  std::string text(kHeadBytes + kLineBytes * domain::kMaxPartitions, '\0');
  const ssize_t length = file_ < 0 ? -1 : pread(file_, text.data(), text.size(), 0);
  if (length < static_cast<ssize_t>(kHeadBytes) || !text.starts_with(kHead)) return std::nullopt;
  text.resize(static_cast<std::size_t>(length));
  Content content{.epoch = text.substr(kHead.size(), kIdBytes), .seen = {}};
  std::string_view lines = std::string_view(text).substr(kHeadBytes);
  for (std::uint32_t partition = 0; lines.size() >= kLineBytes; ++partition) {
    const auto seen = seen_in(lines.substr(0, kLineBytes), partition);
    if (!seen) return std::nullopt;
    content.seen.push_back(*seen);
    lines.remove_prefix(kLineBytes);
  }
  return content;
}

void EpochFile::write(std::string_view epoch, std::span<const Seen> seen) const {
  std::string text = fmt::format("{}{}\n", kHead, epoch);
  for (const Seen& end : seen) text += line_of(end);
  if (file_ < 0 || ftruncate(file_, 0) != 0 || !write_all(file_, text, 0)) return;
  fdatasync(file_);
}

void EpochFile::note(const Seen& end) const {
  if (file_ >= 0) static_cast<void>(write_all(file_, line_of(end), kHeadBytes + kLineBytes * end.partition));
}

}  // namespace tps::sqlite
