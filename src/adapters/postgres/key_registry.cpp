#include "adapters/postgres/key_registry.hpp"

#include "adapters/storable.hpp"
#include "ports/fault.hpp"

namespace tps::postgres {

using ports::ApiKey;
using ports::Deadline;
using ports::KeyHash;
using ports::StoreFault;
using ports::StoreResult;

namespace {

std::string_view bytes_of(const KeyHash& hash) { return {reinterpret_cast<const char*>(hash.data()), hash.size()}; }

// The columns id, subject, scopes, only_user, created_at, created_by, expires_at, revoked_at, revoked_by.
ApiKey read_key(const Result& rows, int row, int column) {
  ApiKey key;
  key.id = rows.text(row, column);
  key.subject = rows.text(row, column + 1);
  key.scopes = rows.text(row, column + 2);
  key.only_user = rows.optional_text(row, column + 3);
  key.created_at = rows.time(row, column + 4);
  key.created_by = rows.text(row, column + 5);
  key.expires_at = rows.optional_time(row, column + 6);
  key.revoked_at = rows.optional_time(row, column + 7);
  key.revoked_by = rows.text(row, column + 8);
  return key;
}

constexpr Statement kAdd{
    "add_key",
    "INSERT INTO api_key_log (key_id, action, done_at, done_by, key_hash, subject, scopes, only_user, expires_at)"
    " VALUES ($1, 'c', $2, $3, $4, $5, $6, $7, $8)"};

// One row if there is such a key, whether it was revoked now or before. The INSERT of a WITH runs to its end whatever
// is read of it.
constexpr Statement kRevoke{
    "revoke_key",
    "WITH made AS (SELECT key_id FROM api_key_log WHERE key_id = $1 AND action = 'c'),"
    " revoked AS (INSERT INTO api_key_log (key_id, action, done_at, done_by)"
    " SELECT key_id, 'r', $2::timestamptz, $3::text FROM made ON CONFLICT (key_id, action) DO NOTHING)"
    " SELECT key_id FROM made"};

constexpr Statement kFindApiKeys{"find_keys_of_api",
                                 "SELECT h.place, k.key_id, k.subject, k.scopes, k.only_user, k.created_at, "
                                 "k.created_by, k.expires_at, k.revoked_at,"
                                 " k.revoked_by FROM unnest($1::bytea[]) WITH ORDINALITY AS h(hash, place) CROSS JOIN "
                                 "LATERAL find_api_key(h.hash) k"};

constexpr Statement kList{
    "list_keys",
    "SELECT c.key_id, c.subject, c.scopes, c.only_user, c.done_at, c.done_by, c.expires_at, r.done_at, r.done_by"
    " FROM api_key_log c LEFT JOIN api_key_log r ON r.key_id = c.key_id AND r.action = 'r'"
    " WHERE c.action = 'c' ORDER BY c.done_at, c.key_id"};

}  // namespace

KeyRegistry::KeyRegistry(const Options& options, const domain::Currencies& currencies, ops::Metrics& metrics)
    : session_(options, currencies, metrics) {}

StoreResult<Result> KeyRegistry::write(const Statement& statement, const Parameters& parameters, Deadline deadline) {
  // Keys are seldom written: a new connection each time costs less than not knowing what became of one that had died.
  Connection& connection = session_.connection;
  connection.close();
  if (auto usable = session_.ready(deadline); !usable) return std::unexpected(usable.error());
  connection.queue(kBegin);
  connection.queue(kWriteSettings);
  connection.queue(statement, parameters);
  connection.queue(kCommit);
  auto results = connection.fly(deadline);
  if (results) {
    const bool committed = results->back().tag() == "COMMIT";
    if (committed && connection.warning().empty()) return std::move((*results)[2]);
    // A COMMIT with a warning is perhaps not on the synchronous standby.
    const auto kind = committed ? StoreFault::Kind::unknown : StoreFault::Kind::unavailable;
    return std::unexpected(StoreFault{kind, "COMMIT: " + connection.warning()});
  }
  StoreFault fault = store_fault(results.error());
  if (results.error().kind == Fault::Kind::lost) fault.kind = StoreFault::Kind::unknown;
  if (results.error().about_a_value()) fault.kind = StoreFault::Kind::refused;
  recover(connection, results.error(), deadline);
  return std::unexpected(std::move(fault));
}

StoreResult<void> KeyRegistry::add(const ApiKey& key, const KeyHash& hash, Deadline deadline) {
  if (!adapters::storable(key)) return std::unexpected(adapters::unstorable());
  Parameters parameters;
  parameters.add(std::string_view(key.id)).add(key.created_at).add(std::string_view(key.created_by));
  parameters.add(bytes_of(hash)).add(std::string_view(key.subject)).add(std::string_view(key.scopes));
  parameters.add(key.only_user).add(key.expires_at);
  const auto written = write(kAdd, parameters, deadline);
  if (!written) return std::unexpected(written.error());
  return {};
}

StoreResult<bool> KeyRegistry::revoke(const std::string& id, const std::string& by, domain::Timestamp at,
                                      Deadline deadline) {
  if (!adapters::storable(by)) return std::unexpected(adapters::unstorable());
  if (!adapters::storable(id)) return false;
  Parameters parameters;
  parameters.add(std::string_view(id)).add(at).add(std::string_view(by));
  const auto written = write(kRevoke, parameters, deadline);
  if (!written) return std::unexpected(written.error());
  return written->rows() == 1;
}

StoreResult<std::vector<std::optional<ApiKey>>> KeyRegistry::find(std::span<const KeyHash> hashes, Deadline deadline) {
  Array wanted(Type::bytea);
  for (const KeyHash& hash : hashes) wanted.add(bytes_of(hash));
  Parameters parameters;
  parameters.add(wanted);
  const auto rows = session_.reading(deadline, [&]() -> Answer<Result> {
    session_.connection.queue(kReadSettings);
    session_.connection.queue(kFindApiKeys, parameters);
    auto results = session_.connection.fly(deadline);
    if (!results) return std::unexpected(std::move(results.error()));
    return std::move(results->back());
  });
  if (!rows) return std::unexpected(rows.error());
  std::vector<std::optional<ApiKey>> answers(hashes.size());
  for (int row = 0; row < rows->rows(); ++row) {
    answers.at(static_cast<std::size_t>(rows->int8(row, 0) - 1)) = read_key(*rows, row, 1);
  }
  return answers;
}

StoreResult<std::vector<ApiKey>> KeyRegistry::list(Deadline deadline) {
  const auto rows = session_.reading(deadline, [&]() -> Answer<Result> {
    session_.connection.queue(kReadSettings);
    session_.connection.queue(kList);
    auto results = session_.connection.fly(deadline);
    if (!results) return std::unexpected(std::move(results.error()));
    return std::move(results->back());
  });
  if (!rows) return std::unexpected(rows.error());
  std::vector<ApiKey> keys;
  keys.reserve(static_cast<std::size_t>(rows->rows()));
  for (int row = 0; row < rows->rows(); ++row) keys.push_back(read_key(*rows, row, 0));
  return keys;
}

}  // namespace tps::postgres
