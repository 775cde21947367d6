#include "adapters/sqlite_row.hpp"

#include <fmt/format.h>

namespace tps::adapters {

const std::string_view kSqliteInsertTransaction =
    "INSERT INTO transaction_log (id, created_at, partition, type, user_id, to_user_id, to_partition, amount_minor,"
    " currency, parent_id, capture, hold_expires_at, idempotency_hash, content_hash, reference, description, metadata,"
    " created_by)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";

std::string select_transactions(std::string_view rest) {
  return fmt::format(
      "SELECT t.id, t.created_at, t.partition, t.type, t.user_id, t.to_user_id, t.to_partition, t.amount_minor,"
      " t.currency, t.parent_id, t.capture, t.hold_expires_at, t.idempotency_hash, t.content_hash, t.reference,"
      " t.description, t.metadata, t.created_by, s.status, s.failure_code, s.settled_at"
      " FROM transaction_log t LEFT JOIN settlement_log s ON s.transaction_id = t.id {}",
      rest);
}

std::optional<domain::Transaction> read_transaction(const SqliteStatement& row) {
  const auto type = domain::parse_type(row.text(3));
  const auto capture = domain::parse_capture(row.text(10));
  if (!type || !capture) return std::nullopt;
  domain::Transaction transaction;
  transaction.id = row.integer(0);
  transaction.created_at = row.time(1);
  transaction.partition = static_cast<std::uint32_t>(row.integer(2));
  transaction.type = *type;
  transaction.user_id = row.text(4);
  transaction.to_user_id = row.optional_text(5);
  if (!row.is_null(6)) transaction.to_partition = static_cast<std::uint32_t>(row.integer(6));
  transaction.amount_minor = row.integer(7);
  transaction.currency = row.text(8);
  transaction.parent_id = row.optional_integer(9);
  transaction.capture = *capture;
  transaction.hold_expires_at = row.optional_time(11);
  transaction.idempotency_hash = row.optional_hash(12);
  transaction.content_hash = row.optional_hash(13);
  transaction.reference = row.optional_text(14);
  transaction.description = row.optional_text(15);
  transaction.metadata = row.optional_text(16);
  transaction.created_by = row.text(17);
  if (row.is_null(18)) return transaction;
  const auto status = domain::parse_status(row.text(18));
  if (!status) return std::nullopt;
  transaction.status = *status;
  if (!row.is_null(19)) {
    transaction.failure = domain::parse_failure(row.text(19));
    if (!transaction.failure) return std::nullopt;
  }
  transaction.settled_at = row.optional_time(20);
  return transaction;
}

service::StoreFault unreadable_row(const SqliteStatement& row) {
  return {service::StoreFault::Kind::incompatible,
          fmt::format("transaction {} has a word that this tps does not know", row.integer(0))};
}

void bind_transaction(SqliteStatement& insert, const domain::Transaction& transaction) {
  insert.bind(1, transaction.id);
  insert.bind(2, transaction.created_at);
  insert.bind(3, std::int64_t{transaction.partition});
  insert.bind(4, domain::slug(transaction.type));
  insert.bind(5, transaction.user_id);
  insert.bind(6, transaction.to_user_id);
  insert.bind(7, transaction.to_partition);
  insert.bind(8, transaction.amount_minor);
  insert.bind(9, transaction.currency);
  insert.bind(10, transaction.parent_id);
  insert.bind(11, domain::slug(transaction.capture));
  insert.bind(12, transaction.hold_expires_at);
  insert.bind(13, transaction.idempotency_hash);
  insert.bind(14, transaction.content_hash);
  insert.bind(15, transaction.reference);
  insert.bind(16, transaction.description);
  insert.bind(17, transaction.metadata);
  insert.bind(18, transaction.created_by);
}

}  // namespace tps::adapters
