// The use cases: submit, find, list, balances, statement, wait. Called from coroutines on IO threads; everything that
// leaves the process goes through a lane. One object for the whole process; any IO thread may call.
//
// Each asks for its caller. For one that acts for a single user, what is another's is not there: not_found, whether
// there is such a thing or not. Only to submit for another user is forbidden.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/caller.hpp"
#include "domain/error.hpp"
#include "domain/transaction.hpp"
#include "lanes/lane.hpp"
#include "ops/metrics.hpp"
#include "ports/cache.hpp"
#include "ports/history.hpp"
#include "ports/store.hpp"
#include "service/local_cache.hpp"
#include "service/submission.hpp"
#include "service/waiters.hpp"

namespace tps::service {

struct Submitted {
  domain::Transaction transaction;
  bool replayed = false;  // it was there already, under this key and with this content
};

// The outcome of an account_update: the account after it, once it is settled.
struct AccountUpdated {
  Submitted update;
  std::optional<ports::Balance> account;  // nullopt: not settled in time; it will be
};

class Transactions {
 public:
  // All are given by who builds the program and must outlive this object.
  struct Parts {
    lanes::Lane& submit;
    lanes::Lane& read;  // find, coalesced
    lanes::Lane& balance;
    lanes::Lane& query;             // lists, statements and past balances, which may take longer
    const ports::History& history;  // of the store behind the lanes
    LocalCache& local_cache;
    lanes::Lane* cache = nullptr;  // both null: there is no shared cache
    ports::Cache* shared_cache = nullptr;
    Waiters& waiters;
    ops::Metrics& metrics;
  };
  Transactions(std::uint32_t partitions, Parts parts);

  // Durable when it answers with a value. A repeated key must come with the same content (members, type, parent).
  boost::asio::awaitable<domain::Answer<Submitted>> submit(Instruction instruction, const domain::Caller& caller,
                                                           ports::Deadline deadline);

  // One answer per item, in order. Items that are errors already pass through. `atomic`: all or none; when one is
  // refused, the others answer group_refused. Non-atomic items may end up in different flights.
  boost::asio::awaitable<std::vector<domain::Answer<Submitted>>> submit_batch(
      std::vector<domain::Answer<Instruction>> items, bool atomic, const domain::Caller& caller,
      ports::Deadline deadline);

  // A capture, void or reversal (`type`) of the transaction `parent_id`. `make` gets the parent and decodes the rest.
  // The parent is that of the log, now and when the child is added.
  // Not found and invalid_parent are answered before it is called.
  using MakeChild = std::function<domain::Answer<Instruction>(const domain::Transaction& parent)>;
  boost::asio::awaitable<domain::Answer<Submitted>> submit_child(domain::Type type, std::int64_t parent_id,
                                                                 const MakeChild& make, const domain::Caller& caller,
                                                                 ports::Deadline deadline);

  // Submits an account_update and waits until it is settled, or `patience` has passed.
  boost::asio::awaitable<domain::Answer<AccountUpdated>> update_account(Instruction instruction,
                                                                        const domain::Caller& caller,
                                                                        std::chrono::milliseconds patience,
                                                                        ports::Deadline deadline);

  boost::asio::awaitable<domain::Answer<domain::Transaction>> find(std::int64_t id, const domain::Caller& caller,
                                                                   ports::Deadline deadline);
  // Of a caller for one user, that user's.
  // A place of another epoch, or beyond the log, is history_changed; so is one in a statement.
  boost::asio::awaitable<domain::Answer<ports::ListPage>> list(ports::ListQuery query, const domain::Caller& caller,
                                                               ports::Deadline deadline);
  // Now, or as they were at a time.
  boost::asio::awaitable<domain::Answer<std::vector<ports::Balance>>> balances(std::string user_id,
                                                                               std::optional<domain::Timestamp> at,
                                                                               const domain::Caller& caller,
                                                                               ports::Deadline deadline);
  // `query.partition` is set here.
  boost::asio::awaitable<domain::Answer<ports::Statement>> statement(ports::StatementQuery query,
                                                                     const domain::Caller& caller,
                                                                     ports::Deadline deadline);

  [[nodiscard]] std::uint32_t partitions() const { return partitions_; }

  // The transaction once it is no longer pending, or as it stands when `until` comes or draining begins.
  boost::asio::awaitable<domain::Transaction> wait(domain::Transaction transaction, ports::Deadline until);

 private:
  domain::Answer<Submitted> answer_of(domain::Submission& submission, const std::optional<ports::StoreFault>& fault);
  boost::asio::awaitable<domain::Answer<domain::Transaction>> find_unscoped(std::int64_t id, ports::Deadline deadline);
  boost::asio::awaitable<std::optional<domain::Transaction>> find_in_shared_cache(std::int64_t id);
  boost::asio::awaitable<domain::Answer<domain::Transaction>> find_in_store(std::int64_t id, ports::Deadline deadline);
  void remember(const domain::Transaction& transaction, std::uint64_t generation,
                const boost::asio::any_io_executor& executor);
  boost::asio::awaitable<void> put_in_shared_cache(LocalCache::Entry entry, std::uint64_t generation) const;
  // The work of a query lane.
  template <class T>
  using Query = std::function<ports::StoreResult<T>(ports::Store&, ports::Deadline)>;
  template <class T>
  boost::asio::awaitable<domain::Answer<T>> query(lanes::Lane& lane, const Query<T>& run, ports::Deadline deadline);

  const std::uint32_t partitions_;
  const Parts parts_;
  prometheus::Counter& local_hits_;
  prometheus::Counter& local_misses_;
  // The newest id that was seen final: what is newer is not worth a look into the shared cache.
  std::atomic<std::int64_t> newest_final_{0};
};

}  // namespace tps::service
