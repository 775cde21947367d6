#include "adapters/sqlite/reader.hpp"

#include <algorithm>
#include <utility>

#include "adapters/sqlite/schema.hpp"

namespace tps::sqlite {
namespace {

using ports::Deadline;
using ports::StoreFault;
using ports::StoreResult;

// A read that lasts keeps the log file from being reused, so none may.
constexpr auto kLongestRead = std::chrono::milliseconds(900);

}  // namespace

Reader::Reader(std::string path, const domain::Currencies& currencies, std::shared_ptr<adapters::Trouble> trouble)
    : path_(std::move(path)), currencies_(currencies), trouble_(std::move(trouble)) {}

StoreResult<Connection*> Reader::ready(Deadline deadline) {
  const auto now = std::chrono::steady_clock::now();
  if (now >= deadline) return std::unexpected(StoreFault{StoreFault::Kind::unavailable, "the deadline had passed"});
  if (!connection_) {
    auto opened = Connection::open(path_, Connection::Mode::read);
    if (!opened) return std::unexpected(StoreFault{StoreFault::Kind::unavailable, opened.error()});
    connection_ = std::move(*opened);
    connection_->report_to(trouble_);
  }
  connection_->set_deadline(std::min(deadline, now + kLongestRead));
  if (!identity_) {
    auto identity = read_identity(*connection_, currencies_);
    if (!identity) return std::unexpected(identity.error());
    identity_ = std::move(*identity);
  }
  return connection_.get();
}

StoreResult<ports::StoreIdentity> Reader::open(Deadline deadline) {
  identity_.reset();
  const auto connection = ready(deadline);
  if (!connection) return std::unexpected(connection.error());
  return *identity_;
}

}  // namespace tps::sqlite
