#include "audit/auditor.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace tps::audit {
namespace {

using domain::Parents;
using domain::Transaction;

// A call that is too slow for fewer rows than these is not slow because of its rows.
constexpr std::size_t kFewestRows = 50;
constexpr std::size_t kFewestLogRows = 500;
constexpr std::uint32_t kFullPiecePartitions = 4;
// Positions move on while we read; we are close when this little is left.
constexpr std::int64_t kCloseEnough = 10'000;
constexpr int kMostRounds = 20;
constexpr int kMostTries = 3;

constexpr std::string_view kTransactions = "transactions";
constexpr std::string_view kAccounts = "accounts";
constexpr std::string_view kHolds = "holds";
constexpr std::string_view kReversals = "reversals";
constexpr std::string_view kPending = "pending transactions";
constexpr std::string_view kKeys = "keys";

std::int64_t sequences(const std::vector<std::int64_t>& positions) {
  return std::transform_reduce(positions.begin(), positions.end(), std::int64_t{0}, std::plus<>{},
                               domain::sequence_of_id);
}

std::int64_t size_of(const auto& rows) { return static_cast<std::int64_t>(rows.size()); }

}  // namespace

Auditor::Auditor(ports::Audit& audit, AuditOptions options, Differences& differences,
                 std::function<void(const AuditProgress&)> progress)
    : audit_(audit), options_(options), differences_(differences), progress_(std::move(progress)) {}

void Auditor::tell(std::string_view stage, std::int64_t done, std::int64_t total) const {
  progress_({.stage = stage, .done = done, .total = total});
}

// Calls with at most `rows` rows, and with fewer until it is done in time; `rows` stays as small as it had to be.
template <class Call>
auto Auditor::in_time(std::size_t& rows, Call call) {
  while (true) {
    auto result = call(rows, std::chrono::steady_clock::now() + options_.budget);
    const bool is_slow = !result && result.error().kind == ports::StoreFault::Kind::unavailable;
    if (!is_slow || rows <= kFewestRows) return result;
    rows = std::max(rows / 2, kFewestRows);
  }
}

// The same for a call that cannot be made smaller.
template <class Call>
auto Auditor::persistently(Call call) {
  for (int tries = 1;; ++tries) {
    auto result = call(std::chrono::steady_clock::now() + options_.budget);
    const bool is_slow = !result && result.error().kind == ports::StoreFault::Kind::unavailable;
    if (!is_slow || tries == kMostTries) return result;
  }
}

ports::StoreResult<void> Auditor::run() {
  const auto identity = persistently([&](ports::Deadline deadline) { return audit_.open(deadline); });
  if (!identity) return std::unexpected(identity.error());
  start(*identity);
  if (auto done = catch_up(); !done) return done;
  if (auto done = check_tables(); !done) return done;
  if (auto done = read_pending(); !done) return done;
  if (auto done = check_orphans(); !done) return done;
  return check_repeats();
}

void Auditor::start(const ports::StoreIdentity& identity) {
  report_.schema = identity.schema;
  report_.partitions = identity.partitions;
  logs_.reserve(identity.partitions);
  for (std::uint32_t partition = 0; partition < identity.partitions; ++partition) {
    logs_.emplace_back(partition, identity.partitions, differences_);
  }
  replay_.emplace(identity.partitions, differences_);
  table_rows_ = options_.piece;
  const std::uint32_t shares = std::max(identity.partitions / kFullPiecePartitions, 1U);
  log_rows_ = std::max(options_.piece / shares, std::min(options_.piece, kFewestLogRows));
}

// Replays all that is settled, and again what has been settled meanwhile, until little is left.
ports::StoreResult<void> Auditor::catch_up() {
  for (int round = 0; round < kMostRounds; ++round) {
    const auto positions = persistently([&](ports::Deadline deadline) { return audit_.positions(deadline); });
    if (!positions) return std::unexpected(positions.error());
    const std::int64_t left = sequences(*positions) - transactions_read();
    if (auto done = replay_to(*positions, nullptr); !done) return done;
    if (left < kCloseEnough) break;
  }
  return {};
}

std::int64_t Auditor::transactions_read() const {
  std::int64_t sum = 0;
  for (const LogCheck& log : logs_) sum += domain::sequence_of_id(log.position());
  return sum;
}

// So that the ledger includes exactly the settlements up to `positions`; `tables`, once there are, are told.
ports::StoreResult<void> Auditor::replay_to(const Positions& positions, TableCheck* tables) {
  std::vector<bool> ended(logs_.size());
  for (std::size_t i = 0; i < logs_.size(); ++i) ended[i] = logs_[i].position() >= positions.at(i);
  while (true) {
    const auto partition = replay_->advance(ended);
    domain::SettlementOutput changes;
    replay_->take_changes(changes);
    if (tables != nullptr) tables->note(changes);
    report_.settled = replay_->settled();
    if (!partition) return {};
    if (auto done = read_settled(*partition, positions[*partition]); !done) return done;
    ended[*partition] = logs_[*partition].position() >= positions[*partition];
    if (tables == nullptr) tell(kTransactions, transactions_read(), sequences(positions));
  }
}

ports::StoreResult<std::vector<ports::Audit::Entry>> Auditor::read(std::uint32_t partition, std::size_t max) {
  return in_time(log_rows_, [&](std::size_t rows, ports::Deadline deadline) {
    return audit_.entries(partition, logs_[partition].position(), std::min(rows, max), deadline);
  });
}

// The next piece of a log up to `end`, for the replay.
ports::StoreResult<void> Auditor::read_settled(std::uint32_t partition, std::int64_t end) {
  LogCheck& log = logs_[partition];
  auto entries = read(partition, static_cast<std::size_t>(end - log.position()));
  if (!entries) return std::unexpected(entries.error());
  const auto beyond = std::ranges::find_if(*entries, [end](const auto& entry) { return entry.transaction.id > end; });
  entries->erase(beyond, entries->end());
  if (entries->empty()) log.end_at(end);
  Parents parents;
  if (auto done = check_log(partition, *entries, true, parents); !done) return done;
  for (const ports::Audit::Entry& entry : *entries) note_unprocessable(entry);
  replay_->give(partition, std::move(*entries), std::move(parents));
  return {};
}

void Auditor::note_unprocessable(const ports::Audit::Entry& entry) {
  if (!entry.settlement || entry.settlement->failure != domain::Failure::unprocessable) return;
  ++report_.unprocessable;
  if (report_.first_unprocessable.size() < kMostUnprocessableShown) {
    report_.first_unprocessable.push_back(entry.transaction.id);
  }
}

// Transactions that the settlement reader has not reached yet must obey the rules of the log, too.
ports::StoreResult<void> Auditor::read_pending() {
  for (std::uint32_t partition = 0; partition < logs_.size(); ++partition) {
    while (true) {
      auto entries = read(partition, options_.piece);
      if (!entries) return std::unexpected(entries.error());
      // Writers that go on do not keep the audit here: it reads faster than they write.
      if (entries->empty()) break;
      const bool is_last = entries->size() < log_rows_;
      Parents parents;
      if (auto done = check_log(partition, *entries, false, parents); !done) return done;
      report_.pending += size_of(*entries);
      tell(kPending, report_.pending, report_.pending);
      if (is_last) break;
    }
  }
  return {};
}

// Entries that must not count a second time lose their settlements.
ports::StoreResult<void> Auditor::check_log(std::uint32_t partition, std::vector<ports::Audit::Entry>& entries,
                                            bool settled, Parents& parents) {
  LogCheck& log = logs_[partition];
  for (ports::Audit::Entry& entry : entries) {
    if (!log.check(entry, settled)) {
      entry.settlement.reset();
      continue;
    }
    uniqueness_.add(entry.transaction);
  }
  if (auto done = find_parents(entries, parents); !done) return done;
  for (const ports::Audit::Entry& entry : entries) {
    if (!has_parent(entry.transaction.type)) continue;
    const auto found = parents.find(entry.transaction.parent_id.value_or(0));
    log.check_parent(entry.transaction, found == parents.end() ? nullptr : &found->second);
  }
  return {};
}

// From among the entries themselves, or from the store.
ports::StoreResult<void> Auditor::find_parents(const std::vector<ports::Audit::Entry>& entries, Parents& parents) {
  std::vector<std::int64_t> elsewhere;
  const auto id_of = [](const ports::Audit::Entry& entry) { return entry.transaction.id; };
  for (const ports::Audit::Entry& entry : entries) {
    if (!has_parent(entry.transaction.type) || !entry.transaction.parent_id) continue;
    const std::int64_t id = *entry.transaction.parent_id;
    const auto here = std::ranges::lower_bound(entries, id, {}, id_of);
    if (here == entries.end() || here->transaction.id != id) {
      elsewhere.push_back(id);
    } else {
      parents.try_emplace(id, here->transaction);
    }
  }
  return find(elsewhere, {}, [&](const Transaction& parent) { parents.try_emplace(parent.id, parent); });
}

template <class Visit>
ports::StoreResult<void> Auditor::find(std::span<const std::int64_t> ids, std::string_view stage, Visit visit) {
  for (std::size_t done = 0; done < ids.size();) {
    std::size_t taken = 0;
    const auto found = in_time(log_rows_, [&](std::size_t rows, ports::Deadline deadline) {
      taken = std::min(rows, ids.size() - done);
      return audit_.find(ids.subspan(done, taken), deadline);
    });
    if (!found) return std::unexpected(found.error());
    for (const auto& transaction : *found) {
      if (transaction) visit(*transaction);
    }
    done += taken;
    if (!stage.empty()) tell(stage, static_cast<std::int64_t>(done), size_of(ids));
  }
  return {};
}

ports::StoreResult<void> Auditor::check_tables() {
  TableCheck tables(replay_->ledger(), differences_);
  if (auto done = check_accounts(tables); !done) return done;
  if (auto done = check_holds(tables); !done) return done;
  if (auto done = check_reversals(tables); !done) return done;
  const auto totals = persistently([&](ports::Deadline deadline) { return audit_.totals(deadline); });
  if (!totals) return std::unexpected(totals.error());
  if (auto done = replay_to(totals->positions, &tables); !done) return done;
  tables.totals(totals->rows);
  const domain::Ledger& ledger = replay_->ledger();
  check_sums(ledger.accounts(), ledger.holds(), ledger.totals(), differences_);
  return {};
}

// Reads a table to its end: `fetch` gives the next piece, `compare` its differences, once the ledger is where the piece
// is.
template <class Fetch, class Compare>
ports::StoreResult<void> Auditor::check_table(TableCheck& tables, AuditProgress progress, Fetch fetch,
                                              Compare compare) {
  while (true) {
    const auto piece = in_time(table_rows_, fetch);
    if (!piece) return std::unexpected(piece.error());
    if (auto replayed = replay_to(piece->positions, &tables); !replayed) return replayed;
    const bool is_last = piece->rows.size() < table_rows_;
    compare(piece->rows, is_last);
    progress.done += size_of(piece->rows);
    progress_(progress);
    if (is_last) return {};
  }
}

ports::StoreResult<void> Auditor::check_accounts(TableCheck& tables) {
  std::optional<domain::AccountKey> after;
  return check_table(
      tables, {.stage = kAccounts, .total = size_of(replay_->ledger().accounts())},
      [&](std::size_t rows, ports::Deadline deadline) { return audit_.accounts(after, rows, deadline); },
      [&](const std::vector<ports::Audit::AccountRow>& rows, bool is_last) {
        tables.accounts(rows, after, is_last);
        report_.accounts += size_of(rows);
        if (!rows.empty()) after = rows.back().first;
      });
}

ports::StoreResult<void> Auditor::check_holds(TableCheck& tables) {
  std::int64_t after = 0;
  return check_table(
      tables, {.stage = kHolds, .total = size_of(replay_->ledger().holds())},
      [&](std::size_t rows, ports::Deadline deadline) { return audit_.holds(after, rows, deadline); },
      [&](const std::vector<domain::Hold>& rows, bool is_last) {
        tables.holds(rows, after, is_last);
        report_.holds += size_of(rows);
        if (!rows.empty()) after = rows.back().transaction_id;
      });
}

ports::StoreResult<void> Auditor::check_reversals(TableCheck& tables) {
  std::int64_t after = 0;
  return check_table(
      tables, {.stage = kReversals, .total = size_of(replay_->ledger().reversals())},
      [&](std::size_t rows, ports::Deadline deadline) { return audit_.reversals(after, rows, deadline); },
      [&](const std::vector<ports::Audit::ReversalRow>& rows, bool is_last) {
        tables.reversals(rows, after, is_last);
        report_.reversals += size_of(rows);
        if (!rows.empty()) after = rows.back().first;
      });
}

ports::StoreResult<void> Auditor::check_orphans() {
  for (std::uint32_t partition = 0; partition < logs_.size(); ++partition) {
    const auto orphans = audit_.orphans(partition, std::chrono::steady_clock::now() + options_.budget);
    // A big log takes longer than a call may. Without a gap up to the last settlement there can be none.
    if (!orphans && differences_.count(DifferenceKind::id_gap) == 0) continue;
    if (!orphans) return std::unexpected(orphans.error());
    if (*orphans == 0) continue;
    differences_.add({.kind = DifferenceKind::settlement_orphaned,
                      .partition = partition,
                      .expected = "0",
                      .found = std::to_string(*orphans)});
  }
  return {};
}

ports::StoreResult<void> Auditor::check_repeats() {
  const std::vector<std::int64_t> suspects = uniqueness_.take_suspects();
  RepeatCheck repeats(differences_);
  return find(suspects, kKeys, [&](const Transaction& transaction) { repeats.check(transaction); });
}

}  // namespace tps::audit
