#include "adapters/postgres/row.hpp"

#include <string_view>

namespace tps::postgres {
namespace {

// In the order of the enumerators.
constexpr std::string_view kTypes = "dwtcvera";
constexpr std::string_view kCaptures = "am";
constexpr std::string_view kStatuses = "?sfavx";
static_assert(kStatuses.size() == domain::kStatusCount);

template <class Enum>
std::optional<Enum> enumerator(std::string_view letters, char letter) {
  const std::size_t place = letters.find(letter);
  if (place == std::string_view::npos) return std::nullopt;
  return static_cast<Enum>(place);
}

std::optional<domain::Hash128> optional_hash(const Result& rows, int row, int column) {
  domain::Hash128 hash;
  const std::string_view bytes = rows.text(row, column);
  if (rows.is_null(row, column) || bytes.size() != hash.size()) return std::nullopt;
  std::memcpy(hash.data(), bytes.data(), hash.size());
  return hash;
}

// False: unknown to this binary.
bool read_outcome(const Result& rows, int row, domain::Transaction& transaction) {
  constexpr int kStatus = kInstructionColumnCount;
  constexpr int kFailure = kStatus + 1;
  constexpr int kHoldStatus = kStatus + 3;
  constexpr int kHoldClosedAt = kStatus + 4;
  if (rows.is_null(row, kStatus)) return true;
  const bool has_hold = !rows.is_null(row, kHoldStatus);
  const auto status = status_of(rows.letter(row, has_hold ? kHoldStatus : kStatus));
  if (!status) return false;
  transaction.status = *status;
  transaction.settled_at = rows.optional_time(row, has_hold ? kHoldClosedAt : kSettledAtColumn);
  if (rows.is_null(row, kFailure)) return true;
  transaction.failure = domain::parse_failure(rows.text(row, kFailure));
  return transaction.failure.has_value();
}

}  // namespace

char letter(domain::Type type) { return kTypes.at(static_cast<std::size_t>(type)); }
char letter(domain::Capture capture) { return kCaptures.at(static_cast<std::size_t>(capture)); }
char letter(domain::Status status) { return kStatuses.at(static_cast<std::size_t>(status)); }

std::optional<domain::Type> type_of(char letter) { return enumerator<domain::Type>(kTypes, letter); }
std::optional<domain::Status> status_of(char letter) { return enumerator<domain::Status>(kStatuses, letter); }

std::optional<domain::Transaction> read_instruction(const Result& rows, int row) {
  const auto type = type_of(rows.letter(row, 2));
  const auto capture = enumerator<domain::Capture>(kCaptures, rows.letter(row, 3));
  if (!type || !capture) return std::nullopt;
  std::optional<domain::Transaction> result(std::in_place);
  domain::Transaction& transaction = *result;
  transaction.id = rows.int8(row, 0);
  transaction.partition = static_cast<std::uint32_t>(rows.int2(row, 1));
  transaction.type = *type;
  transaction.capture = *capture;
  transaction.amount_minor = rows.int8(row, 4);
  transaction.created_at = rows.time(row, 5);
  transaction.user_id = rows.text(row, 6);
  transaction.currency = rows.text(row, 7);
  transaction.created_by = rows.text(row, 8);
  transaction.to_user_id = rows.optional_text(row, 9);
  if (!rows.is_null(row, 10)) transaction.to_partition = static_cast<std::uint32_t>(rows.int2(row, 10));
  transaction.parent_id = rows.optional_int8(row, 11);
  transaction.hold_expires_at = rows.optional_time(row, 12);
  transaction.idempotency_hash = optional_hash(rows, row, 13);
  transaction.content_hash = optional_hash(rows, row, 14);
  transaction.reference = rows.optional_text(row, 15);
  transaction.description = rows.optional_text(row, 16);
  transaction.metadata = rows.optional_text(row, 17);
  transaction.overdraft_limit = rows.optional_int8(row, 18);
  if (!rows.is_null(row, 19)) transaction.frozen = rows.boolean(row, 19);
  return result;
}

domain::Transaction unreadable_instruction(const Result& rows, int row) {
  domain::Transaction transaction;
  transaction.id = rows.int8(row, 0);
  transaction.partition = static_cast<std::uint32_t>(rows.int2(row, 1));
  transaction.created_at = rows.time(row, 5);
  return transaction;
}

std::optional<domain::Transaction> read_transaction(const Result& rows, int row) {
  auto transaction = read_instruction(rows, row);
  if (transaction && !read_outcome(rows, row, *transaction)) return std::nullopt;
  return transaction;
}

domain::Hold read_hold(const Result& rows, int row, int column) {
  return domain::Hold{.transaction_id = rows.int8(row, column),
                      .user_id = std::string(rows.text(row, column + 1)),
                      .currency = std::string(rows.text(row, column + 2)),
                      .held_minor = rows.int8(row, column + 3),
                      .captured_minor = rows.int8(row, column + 4),
                      .status = status_of(rows.letter(row, column + 5)).value_or(domain::Status::pending),
                      .expires_at = rows.time(row, column + 6),
                      .closed_by = rows.optional_int8(row, column + 7),
                      .closed_at = rows.optional_time(row, column + 8)};
}

domain::Account read_account(const Result& rows, int row, int column) {
  return domain::Account{.posted = rows.int8(row, column),
                         .held = rows.int8(row, column + 1),
                         .version = rows.int8(row, column + 2),
                         .overdraft_limit = rows.int8(row, column + 3),
                         .frozen = rows.boolean(row, column + 4)};
}

domain::Totals read_totals(const Result& rows, int row, int column) {
  return domain::Totals{.deposits = rows.int8(row, column),
                        .withdrawals = rows.int8(row, column + 1),
                        .captures = rows.int8(row, column + 2),
                        .deposit_reversals = rows.int8(row, column + 3),
                        .withdrawal_reversals = rows.int8(row, column + 4)};
}

}  // namespace tps::postgres
