// How a transaction stands in a row: the letters of its enumerations, the columns of a SELECT, and reading them.
#pragma once

#include <optional>

#include "adapters/postgres/statement.hpp"
#include "domain/settlement.hpp"
#include "domain/transaction.hpp"

namespace tps::postgres {

char letter(domain::Type type);
char letter(domain::Capture capture);
char letter(domain::Status status);  // every status but pending, which has no row

// For joined(): the columns of a `t` (transaction_log) that read_instruction() reads.
inline constexpr char kInstructionColumns[] =
    "t.id, t.partition, t.type, t.capture, t.amount_minor, t.created_at, t.user_id, t.currency, t.created_by, "
    "t.to_user_id, t.to_partition, t.parent_id, t.hold_expires_at, t.idempotency_hash, t.content_hash, t.reference, "
    "t.description, t.metadata, t.overdraft_limit, t.frozen";
inline constexpr int kInstructionColumnCount = 20;

// And those of its `s` (settlement_log) and `h` (holds), which read_transaction() reads too.
inline constexpr auto kTransactionColumns =
    joined(kInstructionColumns, ", s.status, s.failure_code, s.settled_at, h.status, h.closed_at");
inline constexpr int kSettledAtColumn = kInstructionColumnCount + 2;  // also of what is authorized since
inline constexpr int kTransactionColumnCount = kInstructionColumnCount + 5;
// Most have automatic capture, and a NULL is found in no index without looking.
inline constexpr char kJoinHold[] =
    " LEFT JOIN holds h ON h.partition = t.partition AND h.transaction_id = CASE WHEN t.capture = 'm' THEN t.id END ";
inline constexpr auto kJoinOutcome =
    joined(" LEFT JOIN settlement_log s ON s.partition = t.partition AND s.transaction_id = t.id", kJoinHold);

// The instruction alone, pending. nullopt: it has something in it that this binary does not know.
std::optional<domain::Transaction> read_instruction(const Result& rows, int row);

// In place of one that cannot be read: its place in the log, and an amount that no rule lets through.
domain::Transaction unreadable_instruction(const Result& rows, int row);

// As it stands now. nullopt: the row has something in it that this binary does not know.
std::optional<domain::Transaction> read_transaction(const Result& rows, int row);

// For joined(): the columns of a `k` (holds) that read_hold() reads, from `column` on.
inline constexpr char kHoldColumns[] =
    "k.transaction_id, k.user_id, k.currency, k.held_minor, k.captured_minor, k.status, k.expires_at, k.closed_by, "
    "k.closed_at";
inline constexpr int kHoldColumnCount = 9;
// A status that is unknown to this binary becomes pending, which no hold is.
domain::Hold read_hold(const Result& rows, int row, int column);

// The columns posted, held, version, overdraft_limit, frozen of accounts, from `column` on.
domain::Account read_account(const Result& rows, int row, int column);
// deposits, withdrawals, captures, deposit_reversals, withdrawal_reversals of totals, likewise.
domain::Totals read_totals(const Result& rows, int row, int column);

// nullopt: unknown to this binary.
std::optional<domain::Type> type_of(char letter);
std::optional<domain::Status> status_of(char letter);

}  // namespace tps::postgres
