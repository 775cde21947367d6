// How a transaction stands in a row: the letters of its enumerations, the columns of a SELECT, and reading them.
#pragma once

#include <optional>

#include "adapters/postgres_statement.hpp"
#include "domain/transaction.hpp"

namespace tps::adapters {

char letter(domain::Type type);
char letter(domain::Capture capture);
char letter(domain::Status status);  // every status but pending, which has no row

// For joined(): the columns of read_transaction(), of a `t` (transaction_log) and its `s` (settlement_log).
inline constexpr char kTransactionColumns[] =
    "t.id, t.partition, t.type, t.capture, t.amount_minor, t.created_at, t.user_id, t.currency, t.created_by, "
    "t.to_user_id, t.to_partition, t.parent_id, t.hold_expires_at, t.idempotency_hash, t.content_hash, t.reference, "
    "t.description, t.metadata, s.status, s.failure_code, s.settled_at";
inline constexpr char kJoinSettlement[] =
    " LEFT JOIN settlement_log s ON s.partition = t.partition AND s.transaction_id = t.id ";
inline constexpr int kTransactionColumnCount = 21;

// nullopt: the row has something in it that this binary does not know.
std::optional<domain::Transaction> read_transaction(const PostgresResult& rows, int row);

}  // namespace tps::adapters
