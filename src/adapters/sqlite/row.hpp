// A Transaction as SQLite's rows: the columns of transaction_log, and the status from settlement_log beside them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "adapters/sqlite/statement.hpp"
#include "domain/settlement.hpp"
#include "domain/transaction.hpp"
#include "ports/fault.hpp"

namespace tps::sqlite {

// "SELECT <columns that read_transaction expects> FROM transaction_log t ... <rest>". For constants.
std::string select_transactions(std::string_view rest);          // as they stand now
std::string select_held_transactions(std::string_view rest);     // likewise; FROM holds h, those that were authorized
std::string select_pending_transactions(std::string_view rest);  // those known not to be settled

// The same columns, without those of a hold, and behind them, from kPostedAfter on, the rest of the settlement s.
std::string select_with_settlements(std::string_view rest);

// Columns by number, for those who look before they read the whole row.
struct TransactionColumn {
  static constexpr int kId = 0, kType = 3, kUserId = 4, kCurrency = 8, kParentId = 9, kReference = 14, kStatus = 20,
                       kFailure = 21, kSettledAt = 22, kHoldStatus = 23, kClosedAt = 24, kPostedAfter = 25;
};

// The current row of such a statement; nullopt if it holds a word that this binary does not know.
std::optional<domain::Transaction> read_transaction(const Statement& row);

// Stands for a row that cannot be read where nothing may stop: it settles as unprocessable.
domain::Transaction unreadable_transaction(const Statement& row);

// "SELECT ... FROM holds <rest>" and a row of it. A status that this binary does not know reads as pending, so it is
// not open.
std::string select_holds(std::string_view rest);
domain::Hold read_hold(const Statement& row);

// The columns posted, held, version, overdraft_limit, frozen of accounts, from `column` on.
domain::Account read_account(const Statement& row, int column);
// deposits, withdrawals, captures, deposit_reversals, withdrawal_reversals of totals, likewise.
domain::Totals read_totals(const Statement& row, int column);

// The fault for a row that read_transaction could not read.
ports::StoreFault unreadable_row(const Statement& row);

// "INSERT INTO transaction_log ..." with its parameters in the order that bind_transaction binds.
extern const std::string_view kInsertTransaction;
void bind_transaction(Statement& insert, const domain::Transaction& transaction);

}  // namespace tps::sqlite
