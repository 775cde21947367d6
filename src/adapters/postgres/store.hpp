// service::Store on PostgreSQL. One object is one session: one connection, made when it is first needed and
// again, with pauses, when it is lost.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adapters/postgres/connection.hpp"
#include "adapters/postgres/session.hpp"
#include "domain/currency.hpp"
#include "ops/metrics.hpp"
#include "ports/store.hpp"

namespace tps::adapters {

// True if libpq can read it.
bool is_postgres_url(const std::string& url);

class PostgresStore final : public service::Store {
 public:
  // `currencies` and `metrics` must outlive this object. Does not connect yet.
  PostgresStore(const PostgresOptions& options, const domain::Currencies& currencies, ops::Metrics& metrics);
  ~PostgresStore() override;

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
  void give_up_settling(service::Deadline deadline);

  // PostgresSession::reading, outside of any settlement.
  template <class Read>
  auto reading(service::Deadline deadline, Read read) -> service::StoreResult<typename decltype(read())::value_type>;

  PostgresSession session_;
  std::optional<std::uint32_t> settling_;  // the partition whose transaction is open
  std::map<std::uint32_t, bool> idle_;     // partitions that had nothing to settle when last asked
};

// Brings the schema up to date, in one transaction; the first migration fixes the number of partitions. Forward only,
// idempotent; several may run at the same time. The error is a sentence for people.
std::expected<void, std::string> migrate_postgres(const PostgresOptions& options, std::uint32_t partitions,
                                                  service::Deadline deadline);

// What an administrator should know about the rights in a migrated database: a sentence, or "" when all is well (or
// cannot be known).
std::string postgres_advice(const PostgresOptions& options, service::Deadline deadline);

}  // namespace tps::adapters
