#include "adapters/sqlite/key_registry.hpp"

#include "adapters/storable.hpp"
#include "ports/fault.hpp"

namespace tps::sqlite {
namespace {

using ports::ApiKey;
using ports::Deadline;
using ports::KeyHash;
using ports::StoreFault;
using ports::StoreResult;

std::string select_keys(std::string_view condition) {
  std::string sql =
      "SELECT c.key_id, c.subject, c.scopes, c.only_user, c.done_at, c.done_by, c.expires_at, r.done_at, r.done_by"
      " FROM api_key_log c LEFT JOIN api_key_log r ON r.key_id = c.key_id AND r.action = 'r' WHERE ";
  return sql.append(condition);
}

const std::string kFind = select_keys("c.key_hash = ?1");
const std::string kList = select_keys("c.action = 'c' ORDER BY c.done_at, c.key_id");

ApiKey read_key(const Statement& row) {
  ApiKey key;
  key.id = row.text(0);
  key.subject = row.text(1);
  key.scopes = row.text(2);
  key.only_user = row.optional_text(3);
  key.created_at = row.time(4);
  key.created_by = row.text(5);
  key.expires_at = row.optional_time(6);
  key.revoked_at = row.optional_time(7);
  key.revoked_by = row.text(8);
  return key;
}

constexpr std::string_view kHasRow = "SELECT 1 FROM api_key_log WHERE key_id = ?1 AND action = ?2";

// SQLITE_ROW, SQLITE_DONE or an error.
int look_up(Connection& connection, std::string_view id, std::string_view action) {
  Use use(connection.statement(kHasRow));
  use->bind(1, id);
  use->bind(2, action);
  return use->step();
}

// Whether a row of a commit that failed is there all the same.
StoreResult<void> commit(DatabaseTransaction& transaction, Connection& writer, std::string_view id,
                         std::string_view action) {
  return transaction.commit([&]() -> std::optional<bool> {
    const int code = look_up(writer, id, action);
    if (code != SQLITE_ROW && code != SQLITE_DONE) return std::nullopt;
    return code == SQLITE_ROW;
  });
}

constexpr std::string_view kAdd =
    "INSERT INTO api_key_log (key_id, action, done_at, done_by, key_hash, subject, scopes, only_user, expires_at)"
    " VALUES (?1, 'c', ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

int insert(Connection& writer, const ApiKey& key, const KeyHash& hash) {
  Use use(writer.statement(kAdd));
  use->bind(1, key.id);
  use->bind(2, key.created_at);
  use->bind(3, key.created_by);
  use->bind(4, hash);
  use->bind(5, key.subject);
  use->bind(6, key.scopes);
  use->bind(7, key.only_user);
  use->bind(8, key.expires_at);
  return use->step();
}

constexpr std::string_view kRevoke =
    "INSERT INTO api_key_log (key_id, action, done_at, done_by) VALUES (?1, 'r', ?2, ?3)";

int insert_revocation(Connection& writer, const std::string& id, const std::string& by, domain::Timestamp at) {
  Use use(writer.statement(kRevoke));
  use->bind(1, id);
  use->bind(2, at);
  use->bind(3, by);
  return use->step();
}

}  // namespace

KeyRegistry::KeyRegistry(std::string path, const domain::Currencies& currencies)
    : path_(std::move(path)), reader_(path_, currencies) {}

StoreResult<Connection*> KeyRegistry::writer(Deadline deadline) {
  if (const auto ready = reader_.ready(deadline); !ready) return std::unexpected(ready.error());
  if (!writer_) {
    auto opened = Connection::open(path_, Connection::Mode::write_beside);
    if (!opened) return std::unexpected(StoreFault{StoreFault::Kind::unavailable, opened.error()});
    writer_ = std::move(*opened);
  }
  writer_->set_deadline(deadline);
  return writer_.get();
}

StoreResult<void> KeyRegistry::add(const ApiKey& key, const KeyHash& hash, Deadline deadline) {
  if (!adapters::storable(key)) return std::unexpected(adapters::unstorable());
  const auto connection = writer(deadline);
  if (!connection) return std::unexpected(connection.error());
  DatabaseTransaction transaction(**connection, DatabaseTransaction::Kind::write);
  if (transaction.begin_code() != SQLITE_OK) return std::unexpected((*connection)->fault(transaction.begin_code()));
  if (const int code = insert(**connection, key, hash); code != SQLITE_DONE) {
    StoreFault fault = (*connection)->fault(code);
    if (is_about_the_row(code)) fault.kind = StoreFault::Kind::refused;
    return std::unexpected(std::move(fault));
  }
  return commit(transaction, **connection, key.id, "c");
}

StoreResult<bool> KeyRegistry::revoke(const std::string& id, const std::string& by, domain::Timestamp at,
                                      Deadline deadline) {
  if (!adapters::storable(by)) return std::unexpected(adapters::unstorable());
  const auto connection = writer(deadline);
  if (!connection) return std::unexpected(connection.error());
  DatabaseTransaction transaction(**connection, DatabaseTransaction::Kind::write);
  if (transaction.begin_code() != SQLITE_OK) return std::unexpected((*connection)->fault(transaction.begin_code()));
  int code = look_up(**connection, id, "c");
  if (code == SQLITE_DONE) return false;
  if (code == SQLITE_ROW) code = look_up(**connection, id, "r");
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) code = insert_revocation(**connection, id, by, at);
  if (code != SQLITE_DONE) return std::unexpected((*connection)->fault(code));
  if (auto committed = commit(transaction, **connection, id, "r"); !committed) {
    return std::unexpected(committed.error());
  }
  return true;
}

StoreResult<std::vector<std::optional<ApiKey>>> KeyRegistry::find(std::span<const KeyHash> hashes, Deadline deadline) {
  const auto connection = reader_.ready(deadline);
  if (!connection) return std::unexpected(connection.error());
  const DatabaseTransaction snapshot(**connection, DatabaseTransaction::Kind::read);
  if (snapshot.begin_code() != SQLITE_OK) return std::unexpected((*connection)->fault(snapshot.begin_code()));
  std::vector<std::optional<ApiKey>> answers;
  answers.reserve(hashes.size());
  for (const KeyHash& hash : hashes) {
    Use use((*connection)->statement(kFind));
    use->bind(1, hash);
    const int code = use->step();
    if (code != SQLITE_ROW && code != SQLITE_DONE) return std::unexpected((*connection)->fault(code));
    answers.push_back(code == SQLITE_ROW ? std::optional(read_key(*use)) : std::nullopt);
  }
  return answers;
}

StoreResult<std::vector<ApiKey>> KeyRegistry::list(Deadline deadline) {
  const auto connection = reader_.ready(deadline);
  if (!connection) return std::unexpected(connection.error());
  Use use((*connection)->statement(kList));
  std::vector<ApiKey> keys;
  int code = SQLITE_OK;
  while ((code = use->step()) == SQLITE_ROW) keys.push_back(read_key(*use));
  if (code != SQLITE_DONE) return std::unexpected((*connection)->fault(code));
  return keys;
}

}  // namespace tps::sqlite
