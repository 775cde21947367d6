#include "service/transactions.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <iterator>
#include <utility>

#include "lanes/refusal.hpp"
#include "ops/log.hpp"
#include "service/flights.hpp"
#include "service/identity.hpp"

namespace tps::service {
namespace {

using boost::asio::awaitable;
using domain::Acceptance;
using domain::Error;
using domain::ErrorCode;
using domain::Submission;

// A batch flies in pieces of this many, so that it does not keep single requests waiting for long.
constexpr std::size_t kBatchPiece = 1'000;

// How long a look into the shared cache may take, queue and all.
constexpr std::chrono::milliseconds kCacheBudget{25};

Error error_of(const Submission& submission) {
  switch (submission.acceptance) {
    case Acceptance::key_reused:
      return {ErrorCode::idempotency_key_reused, "this Idempotency-Key was used before with other content"};
    case Acceptance::duplicate_reference:
      return {ErrorCode::duplicate_reference,
              "this user already has a transaction with this reference",
              {},
              submission.existing_id > 0 ? std::optional(submission.existing_id) : std::nullopt};
    case Acceptance::stale_parent:
      return {ErrorCode::store_unavailable,
              "the database was put back to another state meanwhile; nothing was added, ask again"};
    case Acceptance::group_refused:
      return {ErrorCode::group_refused, "another item of the atomic batch was rejected; nothing was added"};
    case Acceptance::unprocessable:
      return {ErrorCode::unprocessable, "the database cannot store this transaction; nothing was added"};
    case Acceptance::unknown:
      return {ErrorCode::outcome_unknown,
              "it is unknown whether the transaction was added; retry with the same Idempotency-Key"};
    default:
      return {ErrorCode::internal_error, {}};
  }
}

// Of one that was not added, since the store gave nothing.
Error unavailable(const Submission& submission, const std::optional<ports::StoreFault>& fault) {
  if (submission.unavailable_as != ErrorCode::store_unavailable) return {submission.unavailable_as, {}};
  Error error = fault ? lanes::error_of(*fault) : Error{ErrorCode::store_unavailable, {}};
  if (!error.detail.empty()) error.detail += "; nothing was added";
  return error;
}

Error invalid_parent(domain::Type type, const domain::Transaction& parent) {
  std::string detail = "transaction " + std::to_string(parent.id);
  if (type == domain::Type::reversal) {
    detail += parent.capture == domain::Capture::manual
                  ? " has manual capture: reverse its capture instead"
                  : " is of type " + std::string(slug(parent.type)) + ", which cannot be reversed";
  } else {
    detail += R"( has no hold: only a transaction with "capture": "manual" can be captured or voided)";
  }
  return {ErrorCode::invalid_parent, std::move(detail)};
}

// The caller acts for one user.
Error not_allowed(const domain::Caller& caller, const domain::Transaction& transaction) {
  if (transaction.type == domain::Type::reversal) {
    return {ErrorCode::forbidden,
            "these credentials are for one user, who is not the receiver: a reversal needs the scope "
            "transactions:reverse; nothing was added"};
  }
  if (caller.acts_for(transaction.user_id)) {
    return {ErrorCode::forbidden,
            "these credentials are for one user: a deposit needs the scope transactions:deposit; nothing was added"};
  }
  return {ErrorCode::forbidden, "these credentials are for one user, and user_id is another; nothing was added"};
}

// For a place of an epoch that is over, or beyond the log.
Error other_history() { return {ErrorCode::history_changed, {}}; }

// For a page during which one ended.
Error history_is_changing() {
  return {ErrorCode::store_unavailable, "the database was put back to another state meanwhile; ask again"};
}

Error no_transaction() { return {ErrorCode::not_found, "Transaction not found"}; }
Error no_user() { return {ErrorCode::not_found, "User not found"}; }

// The result of a query's flight.
template <class T>
domain::Answer<T> answer_to_query(lanes::LaneVerdict verdict, std::optional<ports::StoreResult<T>>& result) {
  if (verdict != lanes::LaneVerdict::done) return std::unexpected(lanes::error_of(verdict));
  if (!*result) return std::unexpected(lanes::error_of(result->error()));
  return std::move(**result);
}

void log_if_undecided(const Submission& submission) {
  if (submission.acceptance == Acceptance::undecided) {
    ops::log(ops::Level::error, "a flight left a submission undecided");
  }
}

// To what is refused before anything is submitted; the others' are still to come, unless one drags all down.
std::vector<domain::Answer<Submitted>> first_answers(std::vector<domain::Answer<Instruction>>& items,
                                                     bool all_refused) {
  std::vector<domain::Answer<Submitted>> answers;
  answers.reserve(items.size());
  for (auto& item : items) {
    if (!item) {
      answers.emplace_back(std::unexpected(std::move(item.error())));
    } else if (all_refused) {
      answers.emplace_back(
          std::unexpected(error_of(Submission{.transaction = {}, .acceptance = Acceptance::group_refused})));
    } else {
      answers.emplace_back(Submitted{});
    }
  }
  return answers;
}

}  // namespace

Transactions::Transactions(std::uint32_t partitions, Parts parts)
    : partitions_(partitions),
      parts_(parts),
      local_hits_(parts.metrics.cache_operation("local", "hit")),
      local_misses_(parts.metrics.cache_operation("local", "miss")) {}

domain::Answer<Submitted> Transactions::answer_of(Submission& submission,
                                                  const std::optional<ports::StoreFault>& fault) {
  log_if_undecided(submission);
  switch (submission.acceptance) {
    case Acceptance::accepted:
      parts_.metrics.transactions_accepted.Increment();
      return Submitted{std::move(submission.transaction), false};
    case Acceptance::replayed:
      parts_.metrics.transactions_replayed.Increment();
      return Submitted{std::move(submission.transaction), true};
    case Acceptance::unavailable:
      return std::unexpected(unavailable(submission, fault));
    default:
      return std::unexpected(error_of(submission));
  }
}

awaitable<domain::Answer<Submitted>> Transactions::submit(Instruction instruction, const domain::Caller& caller,
                                                          ports::Deadline deadline) {
  if (!caller.may_submit(instruction.transaction)) {
    co_return std::unexpected(not_allowed(caller, instruction.transaction));
  }
  SubmitJob job;
  job.submissions.push_back(make_submission(std::move(instruction), caller.principal, partitions_));
  const lanes::LaneVerdict verdict = co_await parts_.submit.submit(job, deadline);
  if (verdict != lanes::LaneVerdict::done) co_return std::unexpected(lanes::error_of(verdict));
  co_return answer_of(job.submissions.front(), job.fault);
}

awaitable<std::vector<domain::Answer<Submitted>>> Transactions::submit_batch(
    std::vector<domain::Answer<Instruction>> items, bool atomic, const domain::Caller& caller,
    ports::Deadline deadline) {
  for (auto& item : items) {
    if (item && !caller.may_submit(item->transaction)) {
      item = std::unexpected(not_allowed(caller, item->transaction));
    }
  }
  const bool any_refused = std::ranges::any_of(items, [](const auto& item) { return !item.has_value(); });
  const bool all_refused = atomic && any_refused;
  auto answers = first_answers(items, all_refused);
  if (all_refused) co_return answers;

  std::size_t done = 0;
  while (done < items.size()) {
    SubmitJob job;
    job.atomic = atomic;
    std::vector<std::size_t> places;
    for (; done < items.size() && (atomic || places.size() < kBatchPiece); ++done) {
      if (!items[done]) continue;
      job.submissions.push_back(make_submission(std::move(*items[done]), caller.principal, partitions_));
      places.push_back(done);
    }
    if (places.empty()) break;
    const lanes::LaneVerdict verdict = co_await parts_.submit.submit(job, deadline, places.size());
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (verdict == lanes::LaneVerdict::done) {
        answers[places[i]] = answer_of(job.submissions[i], job.fault);
      } else {
        answers[places[i]] = std::unexpected(lanes::error_of(verdict));
      }
    }
  }
  co_return answers;
}

awaitable<domain::Answer<domain::Transaction>> Transactions::find(std::int64_t id, const domain::Caller& caller,
                                                                  ports::Deadline deadline) {
  auto found = co_await find_unscoped(id, deadline);
  if (found && !caller.sees(*found)) co_return std::unexpected(no_transaction());
  co_return found;
}

awaitable<domain::Answer<domain::Transaction>> Transactions::find_unscoped(std::int64_t id, ports::Deadline deadline) {
  if (const auto entry = parts_.local_cache.get(id)) {
    local_hits_.Increment();
    co_return *entry;
  }
  local_misses_.Increment();
  if (auto cached = co_await find_in_shared_cache(id)) co_return std::move(*cached);
  co_return co_await find_in_store(id, deadline);
}

awaitable<std::optional<domain::Transaction>> Transactions::find_in_shared_cache(std::int64_t id) {
  if (parts_.shared_cache == nullptr || !parts_.shared_cache->available()) co_return std::nullopt;
  if (id > newest_final_.load(std::memory_order_relaxed)) co_return std::nullopt;
  CacheJob job;
  job.id = id;
  job.generation = parts_.history.generation();
  const lanes::LaneVerdict verdict =
      co_await parts_.cache->submit(job, std::chrono::steady_clock::now() + kCacheBudget);
  if (verdict != lanes::LaneVerdict::done || !job.found) co_return std::nullopt;
  if (parts_.history.generation() != job.generation) co_return std::nullopt;  // it may not be in the log any more
  parts_.local_cache.put(std::make_shared<const domain::Transaction>(*job.found), job.generation);
  co_return std::move(job.found);
}

awaitable<domain::Answer<domain::Transaction>> Transactions::find_in_store(std::int64_t id, ports::Deadline deadline) {
  // Taken first: if the history changes on the way, what is found belongs to either, and no cache may have it.
  const std::uint64_t generation = parts_.history.generation();
  FindJob job;
  job.id = id;
  const lanes::LaneVerdict verdict = co_await parts_.read.submit(job, deadline);
  if (verdict != lanes::LaneVerdict::done) co_return std::unexpected(lanes::error_of(verdict));
  if (!job.found) co_return std::unexpected(lanes::error_of(job.found.error()));
  if (!*job.found) co_return std::unexpected(no_transaction());
  remember(**job.found, generation, co_await boost::asio::this_coro::executor);
  co_return std::move(**job.found);
}

void Transactions::remember(const domain::Transaction& transaction, std::uint64_t generation,
                            const boost::asio::any_io_executor& executor) {
  if (!domain::is_final(transaction.status)) return;
  std::int64_t newest = newest_final_.load(std::memory_order_relaxed);
  while (newest < transaction.id && !newest_final_.compare_exchange_weak(newest, transaction.id)) {
  }
  auto entry = std::make_shared<const domain::Transaction>(transaction);
  parts_.local_cache.put(entry, generation);
  if (parts_.shared_cache == nullptr || !parts_.shared_cache->available()) return;
  boost::asio::co_spawn(executor, put_in_shared_cache(std::move(entry), generation), boost::asio::detached);
}

awaitable<void> Transactions::put_in_shared_cache(LocalCache::Entry entry, std::uint64_t generation) const {
  CacheJob job;
  job.generation = generation;
  job.put = entry.get();
  co_await parts_.cache->submit(job, std::chrono::steady_clock::now() + kCacheBudget);
}

template <class T>
awaitable<domain::Answer<T>> Transactions::query(lanes::Lane& lane, const Query<T>& run, ports::Deadline deadline) {
  std::optional<ports::StoreResult<T>> result;
  QueryJob job;
  job.run = [&](ports::Store& session, ports::Deadline flight_deadline) {
    result = run(session, flight_deadline);
    return *result ? std::nullopt : std::optional(result->error());
  };
  const lanes::LaneVerdict verdict = co_await lane.submit(job, deadline);
  co_return answer_to_query(verdict, result);
}

awaitable<domain::Answer<ports::ListPage>> Transactions::list(ports::ListQuery query_members,
                                                              const domain::Caller& caller, ports::Deadline deadline) {
  if (query_members.user_id && !caller.acts_for(*query_members.user_id)) co_return std::unexpected(no_user());
  if (caller.only_user) query_members.user_id = caller.only_user;
  const Query<ports::ListPage> run = [&](ports::Store& session, ports::Deadline until) {
    return session.list(query_members, until);
  };
  const std::uint64_t epoch = parts_.history.now().epoch;
  if (query_members.epoch != 0 && query_members.epoch != epoch) co_return std::unexpected(other_history());
  auto page = co_await query<ports::ListPage>(parts_.query, run, deadline);
  if (!page) co_return page;
  if (parts_.history.now().epoch != epoch) co_return std::unexpected(history_is_changing());
  if (page->beyond_log) co_return std::unexpected(other_history());
  page->epoch = epoch;
  co_return page;
}

awaitable<domain::Answer<std::vector<ports::Balance>>> Transactions::balances(std::string user_id,
                                                                              std::optional<domain::Timestamp> at,
                                                                              const domain::Caller& caller,
                                                                              ports::Deadline deadline) {
  if (!caller.acts_for(user_id)) co_return std::unexpected(no_user());
  const std::uint32_t partition = partition_of(user_id, partitions_);
  const Query<std::vector<ports::Balance>> run = [&](ports::Store& session, ports::Deadline until) {
    return at ? session.balances_at(partition, user_id, *at, until) : session.balances(partition, user_id, until);
  };
  co_return co_await query<std::vector<ports::Balance>>(at ? parts_.query : parts_.balance, run, deadline);
}

awaitable<domain::Answer<ports::Statement>> Transactions::statement(ports::StatementQuery statement_query,
                                                                    const domain::Caller& caller,
                                                                    ports::Deadline deadline) {
  if (!caller.acts_for(statement_query.user_id)) co_return std::unexpected(no_user());
  statement_query.partition = partition_of(statement_query.user_id, partitions_);
  const Query<ports::Statement> run = [&](ports::Store& session, ports::Deadline until) {
    return session.statement(statement_query, until);
  };
  const std::uint64_t epoch = parts_.history.now().epoch;
  if (statement_query.epoch != 0 && statement_query.epoch != epoch) co_return std::unexpected(other_history());
  auto page = co_await query<ports::Statement>(parts_.query, run, deadline);
  if (!page) co_return page;
  if (parts_.history.now().epoch != epoch) co_return std::unexpected(history_is_changing());
  page->epoch = epoch;
  co_return page;
}

awaitable<domain::Answer<Submitted>> Transactions::submit_child(domain::Type type, std::int64_t parent_id,
                                                                const MakeChild& make, const domain::Caller& caller,
                                                                ports::Deadline deadline) {
  // From the store, never from a cache: what is made from it goes into the log for good. The flight compares it with
  // the log once more, under the lock.
  auto parent = co_await find_in_store(parent_id, deadline);
  if (parent && !caller.sees(*parent)) co_return std::unexpected(no_transaction());
  if (!parent) co_return std::unexpected(std::move(parent.error()));
  if (!domain::is_possible_parent(type, *parent)) co_return std::unexpected(invalid_parent(type, *parent));
  auto instruction = make(*parent);
  if (!instruction) co_return std::unexpected(std::move(instruction.error()));
  instruction->parent = std::make_shared<const domain::Transaction>(std::move(*parent));
  co_return co_await submit(std::move(*instruction), caller, deadline);
}

awaitable<domain::Answer<AccountUpdated>> Transactions::update_account(Instruction instruction,
                                                                       const domain::Caller& caller,
                                                                       std::chrono::milliseconds patience,
                                                                       ports::Deadline deadline) {
  if (!caller.acts_for(instruction.transaction.user_id)) co_return std::unexpected(no_user());
  auto submitted = co_await submit(std::move(instruction), caller, deadline);
  if (!submitted) co_return std::unexpected(std::move(submitted.error()));
  AccountUpdated updated{std::move(*submitted), std::nullopt};
  const auto until = std::min(std::chrono::steady_clock::now() + patience, deadline);
  domain::Transaction& transaction = updated.update.transaction;
  transaction = co_await wait(std::move(transaction), until);
  if (transaction.status == domain::Status::pending) co_return updated;
  auto accounts = co_await balances(transaction.user_id, std::nullopt, caller, deadline);
  if (!accounts) co_return updated;  // it is done, whatever cannot be shown
  const auto account = std::ranges::find(*accounts, transaction.currency, &ports::Balance::currency);
  if (account != accounts->end()) updated.account = std::move(*account);
  co_return updated;
}

awaitable<domain::Transaction> Transactions::wait(domain::Transaction transaction, ports::Deadline until) {
  if (transaction.status == domain::Status::pending) {
    auto settled = co_await parts_.waiters.wait(transaction.id, until);
    // Another history may have put another transaction under the id.
    if (settled && domain::is_same_entry(transaction, *settled)) co_return std::move(*settled);
  }
  co_return transaction;
}

}  // namespace tps::service
