#include "adapters/sqlite/settle.hpp"

#include "adapters/sqlite/log.hpp"
#include "adapters/sqlite/row.hpp"

namespace tps::sqlite {
namespace {

using domain::AccountKey;
using domain::SettlementInput;
using ports::StoreResult;

const std::string kPending = select_pending_transactions("WHERE t.id > ?1 AND t.id < ?2 ORDER BY t.id LIMIT ?3");

StoreResult<void> read_pending(Connection& writer, std::uint32_t partition, std::int64_t position, std::size_t max,
                               SettlementInput& input) {
  Use use(writer.statement(kPending));
  use->bind(1, position);
  use->bind(2, domain::id_before_first(partition + 1));
  use->bind(3, static_cast<std::int64_t>(max));
  int code = SQLITE_OK;
  while ((code = use->step()) == SQLITE_ROW) {
    auto transaction = read_transaction(*use);
    input.transactions.push_back(transaction ? std::move(*transaction) : unreadable_transaction(*use));
  }
  if (code != SQLITE_DONE) return std::unexpected(writer.fault(code));
  return {};
}

constexpr std::string_view kAccount =
    "SELECT posted, held, version, overdraft_limit, frozen FROM accounts"
    " WHERE partition = ?1 AND user_id = ?2 AND currency = ?3";

int read_account_of(Connection& writer, const AccountKey& key, domain::Accounts& accounts) {
  const auto [place, is_first] = accounts.try_emplace(key);
  if (!is_first) return SQLITE_DONE;
  Use use(writer.statement(kAccount));
  use->bind(1, std::int64_t{key.partition});
  use->bind(2, key.user_id);
  use->bind(3, key.currency);
  const int code = use->step();
  if (code != SQLITE_ROW) return code;
  place->second = read_account(*use, 0);
  return SQLITE_DONE;
}

constexpr std::string_view kSettleTotals =
    "SELECT deposits, withdrawals, captures, deposit_reversals, withdrawal_reversals FROM totals"
    " WHERE partition = ?1 AND currency = ?2";

int read_totals_of(Connection& writer, std::uint32_t partition, const std::string& currency,
                   domain::TotalsByCurrency& totals) {
  const auto [place, is_first] = totals.try_emplace(currency);
  if (!is_first) return SQLITE_DONE;
  Use use(writer.statement(kSettleTotals));
  use->bind(1, std::int64_t{partition});
  use->bind(2, currency);
  const int code = use->step();
  if (code != SQLITE_ROW) return code;
  place->second = read_totals(*use, 0);
  return SQLITE_DONE;
}

const std::string kHold = select_holds("WHERE transaction_id = ?1");

int read_hold_of(Connection& writer, std::int64_t id, domain::Holds& holds) {
  if (holds.contains(id)) return SQLITE_DONE;
  Use use(writer.statement(kHold));
  use->bind(1, id);
  const int code = use->step();
  if (code != SQLITE_ROW) return code;
  holds.emplace(id, read_hold(*use));
  return SQLITE_DONE;
}

constexpr std::string_view kReversed = "SELECT reversed_minor FROM reversals WHERE original_id = ?1";
const std::string kParent = select_transactions("WHERE t.id = ?1");

int read_reversed(Connection& writer, std::int64_t id, SettlementInput& input) {
  if (input.parents.contains(id)) return SQLITE_DONE;
  {
    Use use(writer.statement(kReversed));
    use->bind(1, id);
    const int code = use->step();
    if (code == SQLITE_ROW) input.reversals.emplace(id, use->integer(0));
    if (code != SQLITE_ROW && code != SQLITE_DONE) return code;
  }
  Use use(writer.statement(kParent));
  use->bind(1, id);
  const int code = use->step();
  if (code != SQLITE_ROW) return code;
  // One that cannot be read is as good as none.
  if (auto parent = read_transaction(*use)) input.parents.emplace(id, std::move(*parent));
  return SQLITE_DONE;
}

// The parent of a capture, void, expiry or reversal, unless that is in the batch itself: nothing is known of it yet
// then.
int read_parent(Connection& writer, const domain::Transaction& child, SettlementInput& input) {
  const std::int64_t id = *child.parent_id;
  if (id >= input.transactions.front().id && id <= input.transactions.back().id) return SQLITE_DONE;
  switch (child.type) {
    case domain::Type::capture:
    case domain::Type::void_:
    case domain::Type::expiry:
      return read_hold_of(writer, id, input.holds);
    case domain::Type::reversal:
      return read_reversed(writer, id, input);
    default:
      return SQLITE_DONE;
  }
}

// Everything that the transactions of the input touch.
int read_touched(Connection& writer, std::uint32_t partition, SettlementInput& input) {
  for (const domain::Transaction& transaction : input.transactions) {
    if (const int code = read_account_of(writer, payer_of(transaction), input.accounts); code != SQLITE_DONE)
      return code;
    if (const auto receiver = receiver_of(transaction)) {
      if (const int code = read_account_of(writer, *receiver, input.accounts); code != SQLITE_DONE) return code;
    }
    if (transaction.parent_id) {
      if (const int code = read_parent(writer, transaction, input); code != SQLITE_DONE) return code;
    }
    const int code = read_totals_of(writer, partition, transaction.currency, input.totals);
    if (code != SQLITE_DONE) return code;
  }
  return SQLITE_DONE;
}

}  // namespace

StoreResult<SettlementInput> next(Connection& writer, std::uint32_t partition, std::size_t max) {
  const auto position = position_of(writer, partition);
  if (!position) return std::unexpected(position.error());
  SettlementInput input;
  input.last_settled_at = position->settled_at;
  if (auto read = read_pending(writer, partition, position->id, max, input); !read) {
    return std::unexpected(read.error());
  }
  const int code = read_touched(writer, partition, input);
  if (code != SQLITE_DONE) return std::unexpected(writer.fault(code));
  return input;
}

}  // namespace tps::sqlite
