#include "adapters/postgres/settle.hpp"

#include <algorithm>

#include "adapters/postgres/row.hpp"
#include "adapters/postgres/stuck_holder.hpp"
#include "ports/fault.hpp"

namespace tps::postgres {
namespace {

using domain::AccountKey;
using domain::SettlementInput;
using ports::Deadline;
using ports::StoreResult;

constexpr std::chrono::milliseconds kLookAtReaders{500};

constexpr Statement kHasPending{
    "has_pending",
    "SELECT EXISTS (SELECT FROM transaction_log WHERE partition = $1 AND id > coalesce("
    "(SELECT transaction_id FROM settlement_log WHERE partition = $1 ORDER BY transaction_id DESC LIMIT 1), 0))",
    true};

// Before anything is read, and in a statement of its own: its snapshot would be from before the lock.
constexpr Statement kLockReader{"lock_reader",
                                "SELECT 1 FROM readers WHERE partition = $1 AND reader = $2 FOR UPDATE SKIP LOCKED"};

constexpr Statement kHasReader{"has_reader",
                               "SELECT EXISTS (SELECT FROM readers WHERE partition = $1 AND reader = $2)"};

// The position is in the settlements themselves.
constexpr auto kBatchText =
    joined("SELECT ", kInstructionColumns,
           ", p.settled_at"
           " FROM (SELECT 1) one"
           " LEFT JOIN (SELECT transaction_id, settled_at FROM settlement_log"
           " WHERE partition = $1 ORDER BY transaction_id DESC LIMIT 1) p ON true"
           " JOIN LATERAL (SELECT * FROM transaction_log"
           " WHERE partition = $1 AND id > coalesce(p.transaction_id, 0) ORDER BY id LIMIT $2) t ON true");
constexpr Statement kBatch{"batch", kBatchText.data(), true};
constexpr int kLastSettledAt = kInstructionColumnCount;

// The schema comes along, in a snapshot that is no older than the batch's: while instances are being replaced, a
// worker that sees a row of a newer one sees that its schema is there, too.
constexpr Statement kSettleTotals{
    "totals",
    "SELECT v.schema, v.min_binary, o.currency, o.deposits, o.withdrawals, o.captures, o.deposit_reversals,"
    " o.withdrawal_reversals, clock_timestamp() FROM store v LEFT JOIN totals o ON o.partition = $1"};

constexpr int kServerTime = 8;

// Each account once, in the order of the index, however often the batch touches it; with the place of its key.
constexpr Statement kReadAccounts{
    "read_accounts",
    "SELECT n.place, a.posted, a.held, a.version, a.overdraft_limit, a.frozen"
    " FROM (SELECT unnest($1::smallint[]) AS partition, unnest($2::text[]) AS user_id, unnest($3::text[]) AS currency,"
    " unnest($4::bigint[]) AS place) n"
    " JOIN LATERAL (SELECT * FROM accounts WHERE partition = n.partition AND user_id = n.user_id"
    " AND currency = n.currency OFFSET 0) a ON true"};

// Several partitions share accounts. All that a batch touches are made, then locked in one order, so that no two
// settlements can wait for each other; what they hold is read only then.
constexpr Statement kOpenAccounts{
    "open_accounts",
    "INSERT INTO accounts (partition, user_id, currency, posted, held, version)"
    " SELECT n.partition, n.user_id, n.currency, 0, 0, 0"
    " FROM unnest($1::smallint[], $2::text[], $3::text[]) AS n(partition, user_id, currency)"
    R"( ORDER BY n.partition, n.user_id COLLATE "C", n.currency COLLATE "C" ON CONFLICT DO NOTHING)"};
constexpr Statement kLockAccounts{
    "lock_accounts",
    "SELECT n.place, a.posted, a.held, a.version, a.overdraft_limit, a.frozen"
    " FROM unnest($1::smallint[], $2::text[], $3::text[], $4::bigint[]) AS n(partition, user_id, currency, place)"
    " JOIN accounts a ON a.partition = n.partition AND a.user_id = n.user_id AND a.currency = n.currency"
    " ORDER BY a.partition, a.user_id, a.currency FOR UPDATE OF a"};

SettlementInput read_batch(const Result& rows) {
  SettlementInput input;
  const int count = rows.rows();
  input.transactions.reserve(static_cast<std::size_t>(count));
  for (int row = 0; row < count; ++row) {
    if (auto transaction = read_instruction(rows, row)) {
      input.transactions.push_back(std::move(*transaction));
    } else {
      input.transactions.push_back(unreadable_instruction(rows, row));
    }
  }
  if (count > 0 && !rows.is_null(0, kLastSettledAt)) input.last_settled_at = rows.time(0, kLastSettledAt);
  // No statement promises an order that its outermost level does not ask for.
  const auto by_id = [](const domain::Transaction& a, const domain::Transaction& b) { return a.id < b.id; };
  if (!std::ranges::is_sorted(input.transactions, by_id)) std::ranges::sort(input.transactions, by_id);
  return input;
}

void read_all_totals(const Result& rows, SettlementInput& input) {
  for (int row = 0; row < rows.rows(); ++row) {
    if (!rows.is_null(row, 2)) input.totals.emplace(rows.text(row, 2), read_totals(rows, row, 3));
  }
}

using AccountEntries = std::vector<domain::Accounts::value_type*>;

// A new account for each that the batch touches; sorted by key.
AccountEntries open_accounts(SettlementInput& input) {
  AccountEntries entries;
  input.accounts.reserve(input.transactions.size());
  const auto open = [&](AccountKey key) {
    const auto [place, is_first] = input.accounts.try_emplace(std::move(key));
    if (is_first) entries.push_back(&*place);
  };
  for (const domain::Transaction& transaction : input.transactions) {
    if (transaction.currency.empty()) continue;  // it could not be read
    open(payer_of(transaction));
    if (auto receiver = receiver_of(transaction)) open(std::move(*receiver));
  }
  const auto key = [](const domain::Accounts::value_type* entry) -> const AccountKey& { return entry->first; };
  std::ranges::sort(entries, {}, key);
  return entries;
}

// With several partitions, locked.
void queue_account_reads(Connection& connection, const AccountEntries& entries, bool several) {
  Array partitions(Type::int2);
  Array users(Type::text);
  Array currencies(Type::text);
  Array places(Type::int8);
  std::int64_t place = 0;
  for (const auto* entry : entries) {
    partitions.add(static_cast<std::int16_t>(entry->first.partition));
    users.add(std::string_view(entry->first.user_id));
    currencies.add(std::string_view(entry->first.currency));
    places.add(place++);
  }
  Parameters parameters;
  parameters.add(partitions).add(users).add(currencies);
  if (several) connection.queue(kOpenAccounts, parameters);
  connection.queue(several ? kLockAccounts : kReadAccounts, parameters.add(places));
}

void read_accounts(const Result& rows, const AccountEntries& entries) {
  for (int row = 0; row < rows.rows(); ++row) {
    entries.at(static_cast<std::size_t>(rows.int8(row, 0)))->second = read_account(rows, row, 1);
  }
}

// Looking at the batch a second time costs about a tenth of reading it, and the tables of the parents are touched for
// children only. A parent is `t`, its own hold `h`; `k` is the hold that a capture, void or expiry ends. A transaction
// behind the position has no effect yet that could be reversed.
constexpr auto kParentsText =
    joined("SELECT ", kTransactionColumns, ", ", kHoldColumns,
           ", c.parent_id, r.reversed_minor"
           " FROM (SELECT coalesce((SELECT transaction_id FROM settlement_log"
           " WHERE partition = $1 ORDER BY transaction_id DESC LIMIT 1), 0) AS id) p"
           " CROSS JOIN LATERAL (SELECT type, parent_id FROM (SELECT type, parent_id FROM transaction_log"
           " WHERE partition = $1 AND id > p.id ORDER BY id LIMIT $2) b WHERE parent_id IS NOT NULL OFFSET 0) c"
           " LEFT JOIN holds k ON k.partition = $1 AND k.transaction_id = CASE WHEN c.type <> 'r' THEN c.parent_id END"
           " LEFT JOIN reversals r ON r.partition = $1 AND r.original_id = CASE WHEN c.type = 'r' THEN c.parent_id END"
           " LEFT JOIN transaction_log t ON t.partition = $1 AND t.id <= p.id"
           " AND t.id = CASE WHEN c.type = 'r' THEN c.parent_id END",
           kJoinOutcome);
constexpr Statement kParents{"parents", kParentsText.data(), true};
constexpr int kParentHold = kTransactionColumnCount;
constexpr int kParentId = kParentHold + kHoldColumnCount;
constexpr int kReversed = kParentId + 1;

bool has_children(const SettlementInput& input) {
  return std::ranges::any_of(input.transactions,
                             [](const domain::Transaction& transaction) { return transaction.parent_id.has_value(); });
}

// Finds, for the next `max` transactions after the position of settlement, the holds, the sums reversed and the
// settled transactions that are their parents.
void queue_parents(Connection& connection, std::int16_t partition, std::size_t max) {
  Parameters parameters;
  connection.queue(kParents, parameters.add(partition).add(static_cast<std::int64_t>(max)));
}

// A parent that this binary cannot read is left out, as if it were not there.
void read_parents(const Result& rows, SettlementInput& input) {
  for (int row = 0; row < rows.rows(); ++row) {
    const std::int64_t parent_id = rows.int8(row, kParentId);
    if (!rows.is_null(row, kParentHold)) input.holds.try_emplace(parent_id, read_hold(rows, row, kParentHold));
    if (!rows.is_null(row, kReversed)) input.reversals.try_emplace(parent_id, rows.int8(row, kReversed));
    if (!rows.is_null(row, 0)) {
      if (auto parent = read_transaction(rows, row)) input.parents.try_emplace(parent_id, std::move(*parent));
    }
  }
}

// Reads the accounts that the batch touches, and the parents of its children, in a second round trip.
Answer<void> complete(Session& session, std::int16_t partition, SettlementInput& input, Deadline deadline) {
  Connection& connection = session.connection;
  const AccountEntries entries = open_accounts(input);
  const bool with_parents = has_children(input);
  if (with_parents) queue_parents(connection, partition, input.transactions.size());
  queue_account_reads(connection, entries, session.identity->partitions > 1);
  auto results = connection.fly(deadline);
  if (!results) return std::unexpected(std::move(results.error()));
  if (with_parents) read_parents(results->front(), input);
  read_accounts(results->back(), entries);
  return {};
}

StoreResult<std::optional<SettlementInput>> lost_reader() {
  return std::unexpected(ports::StoreFault{ports::StoreFault::Kind::incompatible,
                                           "the table readers has lost the row of settlement for a partition"});
}

// The reader's row was not given. Usually another worker has it. One that stopped in mid-send keeps its lock, and no
// timeout of the server covers that. A row that is lost is given to no worker at all.
StoreResult<std::optional<SettlementInput>> without_reader(Session& session, std::uint32_t partition,
                                                           Deadline deadline) {
  const auto now = std::chrono::steady_clock::now();
  if (now < session.next_look_at_readers) {
    if (session.lost_readers.contains(partition)) return lost_reader();
    return std::nullopt;
  }
  session.next_look_at_readers = now + kLookAtReaders;
  Parameters parameters;
  parameters.add(static_cast<std::int16_t>(partition)).add(adapters::kSettlementReader);
  session.connection.queue(kHasReader, parameters);
  const auto results = session.connection.fly(deadline);
  if (!results) {
    recover(session.connection, results.error(), deadline);
    return std::unexpected(store_fault(results.error()));
  }
  if (!results->front().boolean(0, 0)) {
    session.lost_readers.insert(partition);
    return lost_reader();
  }
  session.lost_readers.erase(partition);
  end_reader_holder(session, partition, deadline);
  return std::nullopt;
}

}  // namespace

StoreResult<bool> has_pending(Session& session, std::uint32_t partition, Deadline deadline) {
  Parameters parameters;
  session.connection.queue(kReadSettings);
  session.connection.queue(kHasPending, parameters.add(static_cast<std::int16_t>(partition)));
  const auto results = session.connection.fly(deadline);
  if (results) return (*results)[1].boolean(0, 0);
  recover(session.connection, results.error(), deadline);
  return std::unexpected(store_fault(results.error()));
}

StoreResult<std::optional<SettlementInput>> next(Session& session, std::uint32_t partition, std::size_t max,
                                                 Deadline deadline) {
  Connection& connection = session.connection;
  const auto number = static_cast<std::int16_t>(partition);
  Parameters lock;
  Parameters batch;
  Parameters totals;
  connection.queue(kBegin);
  connection.queue(kWriteSettings);
  connection.queue(kLockReader, lock.add(number).add(adapters::kSettlementReader));
  connection.queue(kBatch, batch.add(number).add(static_cast<std::int64_t>(max)));
  connection.queue(kSettleTotals, totals.add(number));
  auto results = connection.fly(deadline);
  if (!results) {
    recover(connection, results.error(), deadline);
    return std::unexpected(store_fault(results.error()));
  }
  if ((*results)[2].rows() == 0) {
    connection.roll_back(deadline);
    return without_reader(session, partition, deadline);
  }
  session.lost_readers.erase(partition);
  if (auto refusal = schema_refusal((*results)[4], 0)) {
    connection.roll_back(deadline);
    return std::unexpected(std::move(*refusal));
  }
  SettlementInput input = read_batch((*results)[3]);
  if (input.transactions.empty()) {
    connection.roll_back(deadline);
    return input;
  }
  read_all_totals((*results)[4], input);
  if (session.compare_clock) input.clock_reference = (*results)[4].time(0, kServerTime);
  connection.log_has(domain::sequence_of_id(input.transactions.back().id));
  if (auto completed = complete(session, number, input, deadline); !completed) {
    recover(connection, completed.error(), deadline);
    return std::unexpected(store_fault(completed.error()));
  }
  return input;
}

}  // namespace tps::postgres
