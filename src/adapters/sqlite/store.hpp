// service::Store over an embedded SQLite file. Writing goes through the one writer connection, in turn with the other
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

namespace tps::adapters {

class SqliteStore final : public service::Store {
 public:
  // `currencies` must outlive this object.
  SqliteStore(std::shared_ptr<SqliteDatabase> database, const domain::Currencies& currencies);
  ~SqliteStore() override;

  service::StoreResult<service::StoreIdentity> open(service::Deadline deadline) override;
  void append(std::span<domain::Submission* const> flight, domain::Timestamp now, service::Deadline deadline) override;
  service::StoreResult<std::optional<domain::SettlementInput>> next(std::uint32_t partition, std::size_t max,
                                                                    service::Deadline deadline) override;
  service::StoreResult<void> record(std::uint32_t partition, const domain::SettlementOutput& output,
                                    service::Deadline deadline) override;
  service::StoreResult<std::vector<std::optional<domain::Transaction>>> find(std::span<const std::int64_t> ids,
                                                                             service::Deadline deadline) override;
  service::StoreResult<service::ListPage> list(const service::ListQuery& query, service::Deadline deadline) override;
  service::StoreResult<std::vector<service::Balance>> balances(std::uint32_t partition, const std::string& user_id,
                                                               service::Deadline deadline) override;
  service::StoreResult<std::vector<service::Balance>> balances_at(std::uint32_t partition, const std::string& user_id,
                                                                  domain::Timestamp at,
                                                                  service::Deadline deadline) override;
  service::StoreResult<service::Statement> statement(const service::StatementQuery& query,
                                                     service::Deadline deadline) override;
  service::StoreResult<std::vector<domain::Transaction>> expired_holds(std::uint32_t partition, domain::Timestamp now,
                                                                       std::size_t max,
                                                                       service::Deadline deadline) override;
  service::StoreResult<service::LedgerFigures> figures(service::Deadline deadline) override;
  service::StoreResult<Backlog> backlog(std::uint32_t partition, service::Deadline deadline) override;
  service::StoreResult<void> ping(service::Deadline deadline) override;

 private:
  class Settling;

  const std::shared_ptr<SqliteDatabase> database_;
  const domain::Currencies& currencies_;
  // Used by the session's thread only.
  SqliteReader reader_;
  std::set<std::string, std::less<>> recorded_currencies_;
  std::unique_ptr<Settling> settling_;  // from next() to record()
};

}  // namespace tps::adapters
