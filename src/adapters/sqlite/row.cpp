#include "adapters/sqlite/row.hpp"

#include <fmt/format.h>

namespace tps::sqlite {

namespace {

constexpr std::string_view kLogColumns =
    "t.id, t.created_at, t.partition, t.type, t.user_id, t.to_user_id, t.to_partition, t.amount_minor, t.currency,"
    " t.parent_id, t.capture, t.hold_expires_at, t.idempotency_hash, t.content_hash, t.reference, t.description,"
    " t.metadata, t.created_by, t.overdraft_limit, t.frozen";

using Column = TransactionColumn;

// The columns of transaction_log. False: a word is unknown.
bool read_instruction(const Statement& row, domain::Transaction& transaction) {
  const auto type = domain::parse_type(row.text(Column::kType));
  const auto capture = domain::parse_capture(row.text(10));
  if (!type || !capture) return false;
  transaction.id = row.integer(Column::kId);
  transaction.created_at = row.time(1);
  transaction.partition = static_cast<std::uint32_t>(row.integer(2));
  transaction.type = *type;
  transaction.user_id = row.text(Column::kUserId);
  transaction.to_user_id = row.optional_text(5);
  if (!row.is_null(6)) transaction.to_partition = static_cast<std::uint32_t>(row.integer(6));
  transaction.amount_minor = row.integer(7);
  transaction.currency = row.text(Column::kCurrency);
  transaction.parent_id = row.optional_integer(Column::kParentId);
  transaction.capture = *capture;
  transaction.hold_expires_at = row.optional_time(11);
  transaction.idempotency_hash = row.optional_hash(12);
  transaction.content_hash = row.optional_hash(13);
  transaction.reference = row.optional_text(Column::kReference);
  transaction.description = row.optional_text(15);
  transaction.metadata = row.optional_text(16);
  transaction.created_by = row.text(17);
  transaction.overdraft_limit = row.optional_integer(18);
  if (!row.is_null(19)) transaction.frozen = row.integer(19) != 0;
  return true;
}

}  // namespace

const std::string_view kInsertTransaction =
    "INSERT INTO transaction_log (id, created_at, partition, type, user_id, to_user_id, to_partition, amount_minor,"
    " currency, parent_id, capture, hold_expires_at, idempotency_hash, content_hash, reference, description, metadata,"
    " created_by, overdraft_limit, frozen)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)";

// A hold is looked for only where there can be one.
std::string select_transactions(std::string_view rest) {
  return fmt::format(
      "SELECT {}, s.status, s.failure_code, s.settled_at, h.status, h.closed_at"
      " FROM transaction_log t LEFT JOIN settlement_log s ON s.transaction_id = t.id"
      " LEFT JOIN holds h ON h.transaction_id = iif(s.status = 'authorized', t.id, NULL) {}",
      kLogColumns, rest);
}

std::string select_held_transactions(std::string_view rest) {
  return fmt::format(
      "SELECT {}, s.status, s.failure_code, s.settled_at, h.status, h.closed_at"
      " FROM holds h CROSS JOIN transaction_log t ON t.id = h.transaction_id"
      " LEFT JOIN settlement_log s ON s.transaction_id = t.id {}",
      kLogColumns, rest);
}

std::string select_pending_transactions(std::string_view rest) {
  return fmt::format("SELECT {}, NULL, NULL, NULL, NULL, NULL FROM transaction_log t {}", kLogColumns, rest);
}

std::string select_with_settlements(std::string_view rest) {
  return fmt::format(
      "SELECT {}, s.status, s.failure_code, s.settled_at, NULL, NULL, s.posted_after, s.held_after, s.account_version,"
      " s.to_posted_after, s.to_account_version, s.rules_version"
      " FROM transaction_log t LEFT JOIN settlement_log s ON s.transaction_id = t.id {}",
      kLogColumns, rest);
}

std::optional<domain::Transaction> read_transaction(const Statement& row) {
  domain::Transaction transaction;
  if (!read_instruction(row, transaction)) return std::nullopt;
  if (row.is_null(Column::kStatus)) return transaction;
  const bool has_hold = !row.is_null(Column::kHoldStatus);
  const auto status = domain::parse_status(row.text(has_hold ? Column::kHoldStatus : Column::kStatus));
  if (!status) return std::nullopt;
  transaction.status = *status;
  if (!row.is_null(Column::kFailure)) {
    transaction.failure = domain::parse_failure(row.text(Column::kFailure));
    if (!transaction.failure) return std::nullopt;
  }
  const bool is_over = *status != domain::Status::authorized;
  if (is_over) transaction.settled_at = row.optional_time(has_hold ? Column::kClosedAt : Column::kSettledAt);
  return transaction;
}

domain::Transaction unreadable_transaction(const Statement& row) {
  domain::Transaction transaction;
  transaction.id = row.integer(Column::kId);
  transaction.created_at = row.time(1);
  transaction.partition = static_cast<std::uint32_t>(row.integer(2));
  return transaction;
}

std::string select_holds(std::string_view rest) {
  return fmt::format(
      "SELECT transaction_id, user_id, currency, held_minor, captured_minor, status, expires_at, closed_by, closed_at"
      " FROM holds {}",
      rest);
}

domain::Hold read_hold(const Statement& row) {
  domain::Hold hold;
  hold.transaction_id = row.integer(0);
  hold.user_id = row.text(1);
  hold.currency = row.text(2);
  hold.held_minor = row.integer(3);
  hold.captured_minor = row.integer(4);
  hold.status = domain::parse_status(row.text(5)).value_or(domain::Status::pending);
  hold.expires_at = row.time(6);
  hold.closed_by = row.optional_integer(7);
  hold.closed_at = row.optional_time(8);
  return hold;
}

domain::Account read_account(const Statement& row, int column) {
  return domain::Account{.posted = row.integer(column),
                         .held = row.integer(column + 1),
                         .version = row.integer(column + 2),
                         .overdraft_limit = row.integer(column + 3),
                         .frozen = row.integer(column + 4) != 0};
}

domain::Totals read_totals(const Statement& row, int column) {
  return domain::Totals{.deposits = row.integer(column),
                        .withdrawals = row.integer(column + 1),
                        .captures = row.integer(column + 2),
                        .deposit_reversals = row.integer(column + 3),
                        .withdrawal_reversals = row.integer(column + 4)};
}

ports::StoreFault unreadable_row(const Statement& row) {
  return {ports::StoreFault::Kind::incompatible,
          fmt::format("transaction {} has a word that this tps does not know", row.integer(0))};
}

void bind_transaction(Statement& insert, const domain::Transaction& transaction) {
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
  insert.bind(19, transaction.overdraft_limit);
  insert.bind(20, transaction.frozen);
}

}  // namespace tps::sqlite
