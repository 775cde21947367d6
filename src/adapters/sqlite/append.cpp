#include "adapters/sqlite/append.hpp"

#include <algorithm>
#include <expected>
#include <iterator>
#include <vector>

#include "adapters/sqlite/log.hpp"
#include "adapters/sqlite/row.hpp"
#include "adapters/storable.hpp"
#include "domain/clock.hpp"
#include "ports/fault.hpp"

namespace tps::sqlite {
namespace {

using domain::Acceptance;
using domain::Submission;
using Flight = std::span<Submission* const>;

bool is_undecided(const Submission* submission) { return submission->acceptance == Acceptance::undecided; }

const std::string kFindByKey = select_transactions("WHERE t.idempotency_hash = ?1");
const std::string kFindParent = select_transactions("WHERE t.id = ?1");

constexpr std::string_view kFindByReference = "SELECT id FROM transaction_log WHERE user_id = ?1 AND reference = ?2";

// SQLITE_OK or an error.
int fetch_parent(Connection& writer, std::int64_t id, domain::Existing& existing) {
  Use use(writer.statement(kFindParent));
  use->bind(1, id);
  const int code = use->step();
  if (code != SQLITE_ROW) return code == SQLITE_DONE ? SQLITE_OK : code;
  if (auto parent = read_transaction(*use)) existing.parents.emplace(id, std::move(*parent));
  return SQLITE_OK;
}

// The keys, parents and references of the flight that the log holds already; an error code of SQLite if it cannot be
// read.
std::expected<domain::Existing, int> fetch_existing(Connection& writer, Flight flight) {
  domain::Existing existing;
  for (const Submission* submission : flight) {
    const domain::Transaction& transaction = submission->transaction;
    if (!is_undecided(submission)) continue;
    if (transaction.idempotency_hash) {
      Use use(writer.statement(kFindByKey));
      use->bind(1, *transaction.idempotency_hash);
      const int code = use->step();
      if (code != SQLITE_ROW && code != SQLITE_DONE) return std::unexpected(code);
      if (code == SQLITE_ROW) {
        auto found = read_transaction(*use);
        if (!found) return std::unexpected(SQLITE_MISMATCH);
        existing.by_key.emplace(*transaction.idempotency_hash, std::move(*found));
      }
    }
    if (submission->parent) {
      if (const int code = fetch_parent(writer, submission->parent->id, existing); code != SQLITE_OK) {
        return std::unexpected(code);
      }
    }
    if (transaction.reference) {
      Use use(writer.statement(kFindByReference));
      use->bind(1, transaction.user_id);
      use->bind(2, *transaction.reference);
      const int code = use->step();
      if (code != SQLITE_ROW && code != SQLITE_DONE) return std::unexpected(code);
      if (code == SQLITE_ROW) {
        existing.by_reference.emplace(std::pair{transaction.user_id, *transaction.reference}, use->integer(0));
      }
    }
  }
  return existing;
}

constexpr std::string_view kRecordCurrency =
    "INSERT INTO currencies (code, exponent) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
constexpr std::string_view kRecordedExponent = "SELECT exponent FROM currencies WHERE code = ?1";

// SQLITE_OK: recorded with these decimals. SQLITE_CONSTRAINT: recorded with others.
int record_currency(Connection& writer, const domain::Currency& currency) {
  {
    Use use(writer.statement(kRecordCurrency));
    use->bind(1, currency.code);
    use->bind(2, currency.exponent);
    if (const int code = use->step(); code != SQLITE_DONE) return is_about_the_row(code) ? SQLITE_CONSTRAINT : code;
  }
  Use use(writer.statement(kRecordedExponent));
  use->bind(1, currency.code);
  if (const int code = use->step(); code != SQLITE_ROW) return code;
  return use->integer(0) == currency.exponent ? SQLITE_OK : SQLITE_CONSTRAINT;
}

// First uses of currencies. A submission whose currency the store keeps with other decimals is refused.
int record_currencies(Connection& writer, Flight flight, const domain::Currencies& currencies,
                      const std::set<std::string, std::less<>>& recorded, std::set<std::string>& fresh) {
  for (Submission* submission : flight) {
    if (!is_undecided(submission)) continue;
    const std::string& code = submission->transaction.currency;
    if (recorded.contains(code) || fresh.contains(code)) continue;
    const int result = record_currency(writer, *currencies.find(code));
    if (result == SQLITE_CONSTRAINT) {
      adapters::refuse(flight, *submission);
    } else if (result != SQLITE_OK) {
      return result;
    } else {
      fresh.insert(code);
    }
  }
  return SQLITE_OK;
}

struct Inserted {
  int code = SQLITE_OK;
  Submission* culprit = nullptr;  // the one that was not inserted
};

Inserted insert_accepted(Connection& writer, Flight flight, std::int64_t last_id) {
  Statement& insert = writer.statement(kInsertTransaction);
  for (Submission* submission : flight) {
    if (submission->acceptance != Acceptance::accepted || submission->transaction.id <= last_id) continue;
    Use use(insert);
    bind_transaction(*use, submission->transaction);
    if (const int code = use->step(); code != SQLITE_DONE) return {code, submission};
  }
  return {};
}

std::vector<Submission*> undecided(Flight flight) {
  std::vector<Submission*> result;
  result.reserve(flight.size());
  std::ranges::copy_if(flight, std::back_inserter(result), is_undecided);
  return result;
}

// Where the log ends after a flight that was accepted up to `id`.
ports::History::Seen last_of(Flight flight, std::int64_t id) {
  const auto is_last = [id](const Submission* submission) { return submission->transaction.id == id; };
  const auto last = std::ranges::find_if(flight, is_last);
  return {domain::partition_of_id(id), id, (*last)->transaction.created_at};
}

struct Attempt {
  bool again = false;                        // a single row was refused, so another attempt makes sense
  std::optional<ports::StoreFault> fault{};  // why nothing is known to be committed
};

// The flight's row that was refused is left out of the next attempt.
Attempt without_culprit(Flight flight, Submission& culprit) {
  // Everything flies again: if a refused member stayed decided, its neighbours would fly as a group without it.
  domain::undo(flight, domain::kNothingCertain, Acceptance::undecided);
  adapters::refuse(flight, culprit);
  return {.again = true};
}

// Why nothing may be added to a log that ends here.
std::optional<ports::StoreFault> unfit_end(Database& database, std::uint32_t partition, const LogEnd& end,
                                           domain::Timestamp now) {
  if (database.history()->lacks({partition, end.id, end.created_at})) {
    database.history()->lost();  // every session looks at the epoch before it is used again
    return ports::StoreFault{ports::StoreFault::Kind::unavailable, "the log ends before a place that was seen in it"};
  }
  const auto reference = database.clock_reference();
  const auto wrong = reference ? domain::clock_fault(now, *reference, end.created_at) : std::nullopt;
  if (!wrong) return std::nullopt;
  return ports::StoreFault{ports::StoreFault::Kind::clock_wrong, sentence(*wrong)};
}

// One attempt, in its own database transaction.
Attempt attempt(Database& database, std::uint64_t generation, Flight flight, domain::Timestamp now,
                const domain::Currencies& currencies, std::set<std::string, std::less<>>& recorded) {
  Connection& writer = database.writer();
  const auto failed = [&](int code) { return Attempt{.fault = writer.fault(code)}; };
  DatabaseTransaction transaction(writer, DatabaseTransaction::Kind::write);
  if (transaction.begin_code() != SQLITE_OK) return failed(transaction.begin_code());
  const std::uint32_t partition = flight.front()->transaction.partition;
  const auto end = log_end(writer, partition);
  if (!end) return failed(end.error());
  if (auto fault = unfit_end(database, partition, *end, now)) return {.fault = std::move(fault)};
  std::set<std::string> fresh;
  const int currency_code = record_currencies(writer, flight, currencies, recorded, fresh);
  if (currency_code != SQLITE_OK) return failed(currency_code);
  const auto existing = fetch_existing(writer, flight);
  if (!existing) return failed(existing.error());

  const std::size_t accepted = domain::accept(flight, *existing, end->id, end->created_at, now);
  if (accepted == 0) return {};
  const Inserted inserted = insert_accepted(writer, flight, end->id);
  if (inserted.code != SQLITE_OK) {
    const bool row_refused = is_about_the_row(inserted.code);
    std::optional<ports::StoreFault> fault;
    if (!row_refused) fault = writer.fault(inserted.code);
    transaction.roll_back();
    if (row_refused) return without_culprit(flight, *inserted.culprit);
    domain::undo(flight, end->id, Acceptance::unavailable);
    return {.fault = std::move(fault)};
  }
  auto committed = transaction.commit([&]() -> std::optional<bool> {
    const auto now_at = log_end(writer, partition);
    if (!now_at) return std::nullopt;
    return now_at->id > end->id;
  });
  if (committed) {
    recorded.insert(fresh.begin(), fresh.end());
    database.grew(last_of(flight, end->id + static_cast<std::int64_t>(accepted)), generation);
    return {};
  }
  const bool unknown = committed.error().kind == ports::StoreFault::Kind::unknown;
  domain::undo(flight, end->id, unknown ? Acceptance::unknown : Acceptance::unavailable);
  return {.fault = std::move(committed.error())};
}

}  // namespace

void leave_none_undecided(Flight flight, Acceptance verdict) {
  for (Submission* submission : flight) {
    if (is_undecided(submission)) submission->acceptance = verdict;
  }
}

std::optional<ports::StoreFault> append(Database& database, std::uint64_t generation, Flight flight,
                                        domain::Timestamp now, const domain::Currencies& currencies,
                                        std::set<std::string, std::less<>>& recorded) {
  adapters::refuse_unstorable(flight, currencies);
  std::vector<Submission*> left = undecided(flight);
  std::optional<ports::StoreFault> fault;
  for (bool again = true; again && !left.empty(); left = undecided(flight)) {
    if (database.writer().expired()) {
      fault = ports::StoreFault{ports::StoreFault::Kind::unavailable, "the deadline passed in between"};
      break;
    }
    Attempt made = attempt(database, generation, left, now, currencies, recorded);
    again = made.again;
    fault = std::move(made.fault);
  }
  leave_none_undecided(flight, Acceptance::unavailable);
  return fault;
}

}  // namespace tps::sqlite
