#include "adapters/sqlite/store.hpp"

#include <algorithm>

#include "adapters/sqlite/append.hpp"
#include "adapters/sqlite/history.hpp"
#include "adapters/sqlite/list.hpp"
#include "adapters/sqlite/log.hpp"
#include "adapters/sqlite/read.hpp"
#include "adapters/sqlite/record.hpp"
#include "adapters/sqlite/settle.hpp"

namespace tps::sqlite {
namespace {

using ports::Deadline;
using ports::StoreFault;
using ports::StoreResult;

constexpr const char* kNoSuchPartition = "there is no such partition";
constexpr const char* kWriterBusy = "the writer was busy until the deadline";

std::unexpected<StoreFault> unavailable(const char* detail) {
  return std::unexpected(StoreFault{StoreFault::Kind::unavailable, detail});
}

}  // namespace

// A settlement under way: the partition, the writer and its open transaction, given back in reverse order.
class Store::Settling {
 public:
  Settling(Database& database, std::uint32_t partition, FairLock::Hold hold)
      : turn_{database, partition},
        hold_(std::move(hold)),
        transaction_(database.writer(), DatabaseTransaction::Kind::write) {}

  [[nodiscard]] std::uint32_t partition() const { return turn_.partition; }
  DatabaseTransaction& transaction() { return transaction_; }

 private:
  struct Turn {
    Database& database;
    std::uint32_t partition;
    ~Turn() { database.end_settling(partition); }
  };
  Turn turn_;
  FairLock::Hold hold_;
  DatabaseTransaction transaction_;
};

Store::Store(std::shared_ptr<Database> database, const domain::Currencies& currencies)
    : database_(std::move(database)),
      currencies_(currencies),
      reader_(database_->path(), currencies, database_->trouble()) {}

Store::~Store() = default;

StoreResult<ports::StoreIdentity> Store::open(Deadline deadline) { return look(deadline); }

// Reads the identity of the file anew and settles which epoch it has.
StoreResult<ports::StoreIdentity> Store::look(Deadline deadline) {
  ports::History& history = *database_->history();
  if (auto opened = reader_.open(deadline); !opened) return opened;
  if (auto checked = database_->check_epoch(deadline); !checked) return std::unexpected(checked.error());
  auto identity = reader_.open(deadline);
  if (!identity) return identity;
  identity->run = database_->run();
  const ports::History::Found found = history.found(*identity);
  if (found.change == ports::History::Change::another_store) {
    return std::unexpected(StoreFault{StoreFault::Kind::incompatible,
                                      "the file is another store now: start this process again to serve it"});
  }
  if (generation_ != found.generation) recorded_currencies_.clear();  // the log may be behind what it was
  generation_ = found.generation;
  return identity;
}

StoreResult<Connection*> Store::ready(Deadline deadline) {
  if (generation_ != database_->history()->generation()) {
    if (auto looked = look(deadline); !looked) return std::unexpected(looked.error());
  }
  return reader_.ready(deadline);
}

std::optional<StoreFault> Store::append(std::span<domain::Submission* const> flight, domain::Timestamp now,
                                        Deadline deadline) {
  settling_.reset();
  auto fault = append_undecided(flight, now, deadline);
  adapters::explain(flight, *database_->trouble());
  return fault;
}

std::optional<StoreFault> Store::append_undecided(std::span<domain::Submission* const> flight, domain::Timestamp now,
                                                  Deadline deadline) {
  const auto is_undecided = [](const domain::Submission* submission) {
    return submission->acceptance == domain::Acceptance::undecided;
  };
  const auto refused = [&](StoreFault fault) {
    leave_none_undecided(flight, domain::Acceptance::unavailable);
    return fault;
  };
  const auto first = std::ranges::find_if(flight, is_undecided);
  if (first == flight.end()) return std::nullopt;
  if (auto usable = ready(deadline); !usable) return refused(std::move(usable.error()));
  if ((*first)->transaction.partition >= reader_.identity().partitions) {
    return refused({StoreFault::Kind::unavailable, kNoSuchPartition});
  }
  const auto hold = database_->lock_writer(deadline);
  if (!hold) return refused({StoreFault::Kind::unavailable, kWriterBusy});
  if (auto lasting = database_->trouble()->lasting()) return refused(std::move(*lasting));
  database_->writer().set_deadline(deadline);
  auto fault = sqlite::append(*database_, generation_, flight, now, currencies_, recorded_currencies_);
  // After the commit, so that nothing is acknowledged that went into a file which was gone by then.
  database_->check_files();
  auto lasting = database_->trouble()->lasting();
  if (!lasting) return fault;
  domain::undo(flight, domain::kNothingCertain, domain::Acceptance::unknown);
  return lasting;
}

StoreResult<std::optional<domain::SettlementInput>> Store::next(std::uint32_t partition, std::size_t max,
                                                                Deadline deadline) {
  settling_.reset();
  if (auto usable = ready(deadline); !usable) return std::unexpected(usable.error());
  if (partition >= reader_.identity().partitions) return unavailable(kNoSuchPartition);
  if (!database_->take_settling(partition)) return std::nullopt;
  auto hold = database_->lock_writer(deadline);
  if (!hold) {
    database_->end_settling(partition);
    return unavailable(kWriterBusy);
  }
  if (const auto trouble = database_->trouble()->lasting()) {
    database_->end_settling(partition);
    return std::unexpected(*trouble);
  }
  Connection& writer = database_->writer();
  writer.set_deadline(deadline);
  auto settling = std::make_unique<Settling>(*database_, partition, std::move(*hold));
  const int begun = settling->transaction().begin_code();
  if (begun != SQLITE_OK) return std::unexpected(writer.fault(begun));
  auto input = sqlite::next(writer, partition, max);
  if (!input) return std::unexpected(input.error());
  input->clock_reference = database_->clock_reference();
  if (!input->transactions.empty()) settling_ = std::move(settling);
  return std::move(*input);
}

StoreResult<void> Store::record(std::uint32_t partition, const domain::SettlementOutput& output, Deadline deadline) {
  const std::unique_ptr<Settling> settling = std::move(settling_);
  if (!settling || settling->partition() != partition) return unavailable("record() without next()");
  Connection& writer = database_->writer();
  writer.set_deadline(deadline);
  if (output.settlements.empty()) return {};
  if (auto written = sqlite::record(writer, partition, output); !written) return std::unexpected(written.error());
  auto committed = settling->transaction().commit([&]() -> std::optional<bool> {
    const auto position = position_of(writer, partition);
    if (!position) return std::nullopt;
    return position->id == output.settlements.back().transaction_id;
  });
  database_->check_files();
  if (auto trouble = database_->trouble()->lasting(); committed && trouble) {
    trouble->kind = StoreFault::Kind::unknown;
    return std::unexpected(std::move(*trouble));
  }
  return committed;
}

StoreResult<std::vector<std::optional<domain::Transaction>>> Store::find(std::span<const std::int64_t> ids,
                                                                         Deadline deadline) {
  const auto connection = ready(deadline);
  if (!connection) return std::unexpected(connection.error());
  return sqlite::find(**connection, ids);
}

StoreResult<ports::ListPage> Store::list(const ports::ListQuery& query, Deadline deadline) {
  const auto connection = ready(deadline);
  if (!connection) return std::unexpected(connection.error());
  return sqlite::list(**connection, reader_.identity().partitions, query);
}

StoreResult<std::vector<ports::Balance>> Store::balances(std::uint32_t partition, const std::string& user_id,
                                                         Deadline deadline) {
  const auto connection = ready(deadline);
  if (!connection) return std::unexpected(connection.error());
  return sqlite::balances(**connection, reader_.identity().partitions, partition, user_id);
}

StoreResult<std::vector<ports::Balance>> Store::balances_at(std::uint32_t partition, const std::string& user_id,
                                                            domain::Timestamp at, Deadline deadline) {
  const auto connection = ready(deadline);
  if (!connection) return std::unexpected(connection.error());
  if (partition >= reader_.identity().partitions) return unavailable(kNoSuchPartition);
  return sqlite::balances_at(**connection, reader_.identity().partitions, partition, user_id, at);
}

StoreResult<ports::Statement> Store::statement(const ports::StatementQuery& query, Deadline deadline) {
  const auto connection = ready(deadline);
  if (!connection) return std::unexpected(connection.error());
  if (query.partition >= reader_.identity().partitions) return unavailable(kNoSuchPartition);
  return sqlite::statement(**connection, reader_.identity().partitions, query);
}

StoreResult<ports::DueHolds> Store::expired_holds(std::uint32_t partition, domain::Timestamp now,
                                                  const ports::HoldPosition& after, std::size_t max,
                                                  Deadline deadline) {
  const auto connection = ready(deadline);
  if (!connection) return std::unexpected(connection.error());
  return sqlite::expired_holds(**connection, partition, now, after, max);
}

StoreResult<ports::Store::Backlog> Store::backlog(std::uint32_t partition, Deadline deadline) {
  const auto connection = ready(deadline);
  if (!connection) return std::unexpected(connection.error());
  return sqlite::backlog(**connection, partition);
}

StoreResult<ports::Pong> Store::ping(Deadline deadline) {
  database_->check_files();
  if (const auto trouble = database_->trouble()->lasting()) return std::unexpected(*trouble);
  if (const auto opened = open(deadline); !opened) return std::unexpected(opened.error());
  const auto hold = database_->lock_writer(deadline);
  if (!hold) return unavailable(kWriterBusy);
  Connection& writer = database_->writer();
  writer.set_deadline(deadline);
  const auto trouble = database_->trouble()->now();
  if (!trouble) {
    const DatabaseTransaction transaction(writer, DatabaseTransaction::Kind::write);
    if (transaction.begin_code() != SQLITE_OK) return std::unexpected(writer.fault(transaction.begin_code()));
    return ports::Pong{.time = database_->clock_reference(), .wal_bytes = database_->wal_bytes()};
  }
  // While this is not ready, no client may write, so the ping finds out itself whether writing works again.
  if (const int code = writer.write_fence(); code != SQLITE_OK) return std::unexpected(writer.fault(code));
  return std::unexpected(*trouble);
}

}  // namespace tps::sqlite
