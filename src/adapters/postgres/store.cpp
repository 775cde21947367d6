#include "adapters/postgres/store.hpp"

#include <algorithm>

#include "adapters/postgres/append.hpp"
#include "adapters/postgres/balances.hpp"
#include "adapters/postgres/dsn.hpp"
#include "adapters/postgres/history.hpp"
#include "adapters/postgres/list.hpp"
#include "adapters/postgres/read.hpp"
#include "adapters/postgres/record.hpp"
#include "adapters/postgres/settle.hpp"
#include "adapters/storable.hpp"

namespace tps::postgres {

using domain::Acceptance;
using domain::Submission;
using ports::Deadline;
using ports::StoreFault;
using ports::StoreResult;

namespace {

constexpr Statement kPing{
    "ping",
    "SELECT schema, min_binary, pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,"
    " clock_timestamp() FROM store"};

constexpr std::chrono::milliseconds kFarewell{200};

std::unexpected<StoreFault> unavailable(const char* detail) {
  return std::unexpected(StoreFault{StoreFault::Kind::unavailable, detail});
}

}  // namespace

bool is_url(const std::string& url) { return connection_keywords(url).has_value(); }

Store::Store(const Options& options, const domain::Currencies& currencies, ops::Metrics& metrics)
    : session_(options, currencies, metrics) {}

// A settlement under way is given up at once, so that another worker need not wait until the server notices.
Store::~Store() {
  if (settling_) session_.connection.roll_back(std::chrono::steady_clock::now() + kFarewell);
}

void Store::give_up_settling(Deadline deadline) {
  if (settling_) session_.connection.roll_back(deadline);
  settling_.reset();
}

template <class Read>
auto Store::reading(Deadline deadline, Read read) -> StoreResult<typename decltype(read())::value_type> {
  give_up_settling(deadline);
  return session_.reading(deadline, read);
}

StoreResult<ports::StoreIdentity> Store::open(Deadline deadline) {
  settling_.reset();
  return session_.open(deadline);
}

std::optional<StoreFault> Store::append(std::span<Submission* const> flight, domain::Timestamp now, Deadline deadline) {
  adapters::refuse_unstorable(flight, session_.currencies);
  std::vector<Submission*> undecided;
  undecided.reserve(flight.size());
  std::ranges::copy_if(flight, std::back_inserter(undecided),
                       [](const Submission* item) { return item->acceptance == Acceptance::undecided; });
  if (undecided.empty()) return std::nullopt;
  give_up_settling(deadline);
  auto fault = postgres::append(session_, undecided, now, deadline);
  adapters::explain(flight, session_.connection.trouble());
  return fault;
}

StoreResult<std::optional<domain::SettlementInput>> Store::next(std::uint32_t partition, std::size_t max,
                                                                Deadline deadline) {
  give_up_settling(deadline);
  if (auto usable = session_.ready(deadline); !usable) return std::unexpected(usable.error());
  if (partition >= session_.identity->partitions) return unavailable("there is no such partition");
  bool& idle = idle_[partition];
  if (idle) {
    // Looking without the lock costs neither a transaction id nor WAL, a hundred times a second.
    const auto pending = has_pending(session_, partition, deadline);
    if (!pending) return std::unexpected(pending.error());
    if (!*pending) return domain::SettlementInput{};
  }
  auto input = postgres::next(session_, partition, max, deadline);
  idle = input && *input && (*input)->transactions.empty();
  if (input && *input && !(*input)->transactions.empty()) settling_ = partition;
  return input;
}

StoreResult<void> Store::record(std::uint32_t partition, const domain::SettlementOutput& output, Deadline deadline) {
  if (settling_ != partition) return unavailable("record() without next()");
  settling_.reset();
  if (output.settlements.empty()) {
    session_.connection.roll_back(deadline);
    return {};
  }
  return postgres::record(session_, partition, output, deadline);
}

StoreResult<std::vector<std::optional<domain::Transaction>>> Store::find(std::span<const std::int64_t> ids,
                                                                         Deadline deadline) {
  return reading(deadline, [&] { return postgres::find(session_, ids, deadline); });
}

StoreResult<ports::ListPage> Store::list(const ports::ListQuery& query, Deadline deadline) {
  return reading(deadline, [&] { return postgres::list(session_, query, deadline); });
}

StoreResult<std::vector<ports::Balance>> Store::balances(std::uint32_t partition, const std::string& user_id,
                                                         Deadline deadline) {
  return reading(deadline, [&] { return postgres::balances(session_, partition, user_id, deadline); });
}

StoreResult<std::vector<ports::Balance>> Store::balances_at(std::uint32_t partition, const std::string& user_id,
                                                            domain::Timestamp at, Deadline deadline) {
  return reading(deadline, [&] { return postgres::balances_at(session_, partition, user_id, at, deadline); });
}

StoreResult<ports::Statement> Store::statement(const ports::StatementQuery& query, Deadline deadline) {
  return reading(deadline, [&] { return postgres::statement(session_, query, deadline); });
}

StoreResult<ports::DueHolds> Store::expired_holds(std::uint32_t partition, domain::Timestamp now,
                                                  const ports::HoldPosition& after, std::size_t max,
                                                  Deadline deadline) {
  return reading(deadline, [&] { return postgres::expired_holds(session_, partition, now, after, max, deadline); });
}

StoreResult<ports::Store::Backlog> Store::backlog(std::uint32_t partition, Deadline deadline) {
  return reading(deadline, [&] { return postgres::backlog(session_, partition, deadline); });
}

StoreResult<ports::Pong> Store::ping(Deadline deadline) {
  auto answer = reading(deadline, [&]() -> Answer<std::vector<Result>> {
    session_.connection.queue(kPing);
    return session_.connection.fly(deadline);
  });
  if (!answer) return std::unexpected(answer.error());
  const Result& store = answer->front();
  if (auto refusal = schema_refusal(store, 0)) return std::unexpected(std::move(*refusal));
  if (const auto trouble = session_.connection.trouble().now()) return std::unexpected(*trouble);
  if (!store.boolean(0, 2)) {
    if (auto looked = session_.look_at_epoch(deadline); !looked) return std::unexpected(std::move(looked.error()));
    return ports::Pong{.time = session_.compare_clock ? std::optional(store.time(0, 3)) : std::nullopt};
  }
  session_.connection.close();  // a standby now; the primary may be another host
  return unavailable("the database is read-only");
}

}  // namespace tps::postgres
