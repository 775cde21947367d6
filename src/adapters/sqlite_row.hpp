// A Transaction as SQLite's rows: the columns of transaction_log, and the status from settlement_log beside them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "adapters/sqlite_statement.hpp"
#include "domain/transaction.hpp"
#include "service/ports.hpp"

namespace tps::adapters {

// "SELECT <columns that read_transaction expects> FROM transaction_log t ... <rest>". For constants.
std::string select_transactions(std::string_view rest);

// Columns by number, for those who look before they read the whole row.
struct SqliteTransactionColumn {
  static constexpr int kId = 0, kType = 3, kUserId = 4, kCurrency = 8, kParentId = 9, kReference = 14, kStatus = 18;
};

// The current row of such a statement; nullopt if it holds a word that this binary does not know.
std::optional<domain::Transaction> read_transaction(const SqliteStatement& row);

// The fault for a row that read_transaction could not read.
service::StoreFault unreadable_row(const SqliteStatement& row);

// "INSERT INTO transaction_log ..." with its parameters in the order that bind_transaction binds.
extern const std::string_view kSqliteInsertTransaction;
void bind_transaction(SqliteStatement& insert, const domain::Transaction& transaction);

}  // namespace tps::adapters
