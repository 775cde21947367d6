// ports::Store over an embedded SQLite file. Writing goes through the one writer connection, in turn with the other
// sessions of the database; reading through a connection of the session's own.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>

#include "adapters/sqlite/database.hpp"
#include "adapters/sqlite/reader.hpp"
#include "domain/currency.hpp"
#include "ports/store.hpp"

namespace tps::sqlite {

class Store final : public ports::Store {
 public:
  // `currencies` must outlive this object.
  Store(std::shared_ptr<Database> database, const domain::Currencies& currencies);
  ~Store() override;

  ports::StoreResult<ports::StoreIdentity> open(ports::Deadline deadline) override;
  std::optional<ports::StoreFault> append(std::span<domain::Submission* const> flight, domain::Timestamp now,
                                          ports::Deadline deadline) override;
  ports::StoreResult<std::optional<domain::SettlementInput>> next(std::uint32_t partition, std::size_t max,
                                                                  ports::Deadline deadline) override;
  ports::StoreResult<void> record(std::uint32_t partition, const domain::SettlementOutput& output,
                                  ports::Deadline deadline) override;
  ports::StoreResult<std::vector<std::optional<domain::Transaction>>> find(std::span<const std::int64_t> ids,
                                                                           ports::Deadline deadline) override;
  ports::StoreResult<ports::ListPage> list(const ports::ListQuery& query, ports::Deadline deadline) override;
  ports::StoreResult<std::vector<ports::Balance>> balances(std::uint32_t partition, const std::string& user_id,
                                                           ports::Deadline deadline) override;
  ports::StoreResult<std::vector<ports::Balance>> balances_at(std::uint32_t partition, const std::string& user_id,
                                                              domain::Timestamp at, ports::Deadline deadline) override;
  ports::StoreResult<ports::Statement> statement(const ports::StatementQuery& query, ports::Deadline deadline) override;
  ports::StoreResult<ports::DueHolds> expired_holds(std::uint32_t partition, domain::Timestamp now,
                                                    const ports::HoldPosition& after, std::size_t max,
                                                    ports::Deadline deadline) override;
  ports::StoreResult<Backlog> backlog(std::uint32_t partition, ports::Deadline deadline) override;
  ports::StoreResult<ports::Pong> ping(ports::Deadline deadline) override;

 private:
  class Settling;
  std::optional<ports::StoreFault> append_undecided(std::span<domain::Submission* const> flight, domain::Timestamp now,
                                                    ports::Deadline deadline);

  ports::StoreResult<ports::StoreIdentity> look(ports::Deadline deadline);
  ports::StoreResult<Connection*> ready(ports::Deadline deadline);

  const std::shared_ptr<Database> database_;
  const domain::Currencies& currencies_;
  // Used by the session's thread only.
  Reader reader_;
  std::uint64_t generation_ = 0;  // of the database's history, that the reader is good for
  std::set<std::string, std::less<>> recorded_currencies_;
  std::unique_ptr<Settling> settling_;  // from next() to record()
};

}  // namespace tps::sqlite
